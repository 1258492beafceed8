import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'

/** What is known of an answer that is not taken for a page; never its content. */
export interface AnswerFacts {
  readonly status: number
  readonly contentType: string | undefined
  readonly bytes: number
  /** The `Retry-After` header. */
  readonly retryAfter?: string | undefined
}

interface Verdict {
  readonly from: number
  readonly to: number
  readonly code: ErrorCode
  readonly says: string
}

const verdict = (from: number, to: number, code: ErrorCode, says: string): Verdict => ({ from, to, code, says })

/** Status → verdict, the first that matches. */
const statusVerdicts: readonly Verdict[] = [
  verdict(204, 205, 'source.answer-not-a-page', 'no content'),
  verdict(206, 206, 'source.answer-truncated', 'only a part, which was not asked for'),
  verdict(300, 399, 'source.answer-not-a-page', 'a redirect that leads nowhere'),
  verdict(401, 401, 'source.unauthorized', 'the server does not accept the user'),
  verdict(403, 403, 'source.forbidden', rights()),
  verdict(
    404,
    404,
    'source.function-missing',
    'the server has no Client.GetClientsModified at this place: POLARIS_URL is wrong, or the service has been withdrawn (its successor is WebConnect)',
  ),
  verdict(408, 408, 'source.timeout', 'the server did not get the request in time'),
  verdict(429, 429, 'source.throttled', 'too many requests'),
  verdict(400, 499, 'source.request-refused', 'the server refuses the request'),
  verdict(501, 501, 'source.request-refused', 'the server does not support the request'),
  verdict(500, 599, 'source.server-error', 'the server failed'),
]

function rights(): string {
  return 'the user needs the right «consultation des membres clients» or «saisie des membres clients»'
}

/** The error of a status, undefined where the body decides. `nowMs` is the moment of the answer, for a `Retry-After` date. */
export function statusError(facts: AnswerFacts, nowMs: number): ConnectorError | undefined {
  const found = statusVerdicts.find(({ from, to }) => from <= facts.status && facts.status <= to)
  if (found === undefined) return undefined
  return new ConnectorError(found.code, `read clients: ${found.says} (${describe(facts)})`, {
    retryAfterMs: retryAfterMs(facts.retryAfter, nowMs),
  })
}

/** An answer with its status, type and size, for messages. */
export function describe({ status, contentType, bytes }: AnswerFacts): string {
  const type = /^\s*([a-z]+\/[\w.+-]{1,60})/i.exec(contentType ?? '')?.[1] ?? 'no content type'
  return `status ${status}, ${type}, ${bytes} bytes`
}

/** The rights are missing, whatever the status. */
export function forbidden(facts: AnswerFacts): ConnectorError {
  return new ConnectorError('source.forbidden', `read clients: ${rights()} (${describe(facts)})`)
}

/** `Retry-After` in seconds or as a date; undefined when it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

const certificateErrors =
  /^(?:CERT_|CRL_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE)|PATH_LENGTH|ERROR_IN_CERT)/
const timeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

/** What a failure of the network or of TLS means; `ConnectorError`s stay. The original stays behind: it may hold parts of the answer. */
export function networkError(error: unknown, phase: 'connect' | 'body'): ConnectorError {
  if (error instanceof ConnectorError) return error
  const code = codeIn(error)
  if (code === undefined) throw error // a bug, no network
  if (certificateErrors.test(code)) {
    return new ConnectorError(
      'source.certificate',
      `connect: the certificate of the server is not trusted (${code}); see POLARIS_CA and POLARIS_TLS_FINGERPRINT`,
    )
  }
  if (timeouts.has(code)) return new ConnectorError('source.timeout', `call: no answer in time (${code})`)
  if (phase === 'body')
    return new ConnectorError('source.answer-truncated', `read answer: the connection broke within it (${code})`)
  return new ConnectorError('source.unreachable', `call: the server cannot be reached or does not speak HTTP (${code})`)
}

function codeIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error.name === 'HTTPParserError') return error.name // some of its kinds have no code
  return error instanceof AggregateError ? codeIn(error.errors[0]) : codeIn(error.cause)
}

const mayBeTheToken: ReadonlySet<ErrorCode> = new Set([
  'source.request-refused',
  'source.function-missing',
  'source.error-document',
  'source.server-error',
])

/**
 * Whether a failed call that carried a `checkPoint` may have failed because of it: a 4xx (not 401, 403, 408, 429), an error document, or
 * a 5xx left after all retries. It did if the same call without it succeeds.
 */
export function mayRefuseCheckPoint(error: unknown): boolean {
  return mayBeTheToken.has(codeOf(error))
}
