import { ConnectorError } from '../runtime/connector-error.ts'

/** What is known of a failed request: never the message, which may quote anything. */
export interface S3Failure {
  /** Undefined: there was no answer. */
  readonly status: number | undefined
  /** S3's error code, else Node's, else the name of the error. */
  readonly code: string
  readonly requestId: string | undefined
}

interface SdkError {
  readonly name?: unknown
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: unknown; readonly requestId?: unknown }
  readonly $response?: { readonly statusCode?: unknown }
}

export function s3Failure(error: unknown): S3Failure {
  const { name, code, $metadata, $response }: SdkError = Object(error)
  const status = $metadata?.httpStatusCode ?? $response?.statusCode
  return {
    status: typeof status === 'number' ? status : undefined,
    code: plainWord(status === undefined ? (code ?? name) : name) ?? 'unknown',
    requestId: plainWord($metadata?.requestId),
  }
}

const plainWord = (value: unknown) =>
  typeof value === 'string' && /^[\w.:=+/-]{1,128}$/.test(value) ? value : undefined

// Codes that a 4xx carries although the same request may succeed next time; the SDK corrects a skewed clock by the answer.
const transientCodes = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'RequestTimeTooSkewed',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
])
const transientStatuses = new Set([408, 409, 425, 429])

/** Whether trying again helps only after somebody has changed settings, rights or the bucket. */
export function isRefusal({ status, code }: S3Failure): boolean {
  if (status === undefined) return code.endsWith('ProviderError') // no credentials, or none that can be had
  if (transientCodes.has(code) || transientStatuses.has(status)) return false
  return status >= 300 && status < 500
}

/** `what`: the operation and its place, `read s3://bucket/key`. */
export function s3Error(what: string, failure: S3Failure): ConnectorError {
  const status = failure.status === undefined ? '' : `${failure.status} `
  const request = failure.requestId === undefined ? '' : ` (request ${failure.requestId})`
  const message = `${what}: ${status}${failure.code}${request}`
  return new ConnectorError(isRefusal(failure) ? 'storage.refused' : 'storage.unavailable', message)
}
