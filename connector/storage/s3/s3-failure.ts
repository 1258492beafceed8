import { ConnectorError } from '../../runtime/connector-error.ts'
import { networkCause } from '../../runtime/network.ts'

/** Facts of a failed request. Never the error message: it may quote anything. */
export interface S3Failure {
  /** HTTP status; undefined if there was no response. */
  readonly status: number | undefined
  /** S3's error code, or else Node's, or else the name of the error. */
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
    code: safeWord(status === undefined ? (code ?? name) : name) ?? 'unknown',
    requestId: safeWord($metadata?.requestId),
  }
}

const safeWord = (value: unknown) =>
  typeof value === 'string' && /^[\w.:=+/-]{1,128}$/.test(value) ? value : undefined

/** These codes of 4xx responses pass. The SDK corrects a skewed clock from the response. */
const transientCode =
  /^(?:NoSuchKey|RequestTimeout|IncompleteBody|RequestTimeTooSkewed|SlowDown|Throttling(?:Exception)?)$/
const transientStatuses = [408, 409, 412, 425, 429]

/** Whether a retry cannot succeed before settings, permissions or the bucket change. */
export function isRefusal({ status, code }: S3Failure): boolean {
  if (status === undefined) return hasNoCredentials({ code })
  if (transientCode.test(code) || transientStatuses.includes(status)) return false
  return status >= 300 && status < 500
}

const hasNoCredentials = ({ code }: Pick<S3Failure, 'code'>) => code.endsWith('ProviderError')

/** What the codes of S3 mean for an operator. */
const explanations: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket does not exist: create it, or correct CHECKPOINT_URL',
  AccessDenied: 'the policy of the user, the role or the bucket does not allow it',
  InvalidAccessKeyId: 'the access key does not exist: check AWS_ACCESS_KEY_ID',
  XAdminUserNotFound: 'the access key does not exist: check AWS_ACCESS_KEY_ID', // versitygw
  SignatureDoesNotMatch: 'the secret key is wrong: check AWS_SECRET_ACCESS_KEY',
  PermanentRedirect: 'the bucket is in another region: correct AWS_REGION',
  AuthorizationHeaderMalformed: 'the bucket is in another region: correct AWS_REGION',
  Error: 'the response is not that of an S3 server: check AWS_ENDPOINT_URL_S3 and any proxy',
}

/** Whether the object does not exist. A 404 with another code is about the bucket, or from a proxy. */
export function isMissingKey({ status, code }: S3Failure): boolean {
  return status === 404 && code === 'NoSuchKey'
}

/** Returns the error of a failure. `what` has operation and location, such as `read s3://bucket/key`. */
export function s3Error(what: string, failure: S3Failure): ConnectorError {
  const code = isRefusal(failure) ? 'storage.refused' : 'storage.unavailable'
  return new ConnectorError(code, `${what}: ${meaningOf(failure)}`)
}

function meaningOf(failure: S3Failure) {
  const { status, code, requestId } = failure
  if (status === undefined && hasNoCredentials(failure))
    return `no AWS credentials found (${code}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the pod or machine a role`
  if (status === undefined) return networkCause(code)
  const ofStatus =
    status < 500 ? 'check the bucket, the account and the clock' : 'check the status and the log of the store'
  const { [code]: meaning = ofStatus } = explanations
  const request = requestId === undefined ? '' : ` (request ${requestId})`
  return `${status} ${code}${request}: ${meaning}`
}
