import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import { serverOf } from '../../../runtime/network.ts'
import type { OutputFormat } from '../../client-source.ts'
import type { DecodedBody, PageContent } from '../decode/page/decode-page.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import type { AuthConfig } from '../polaris-config.ts'
import { ifTls } from './network-error.ts'
import { faultIn, isHtml, isLoginPage, serverMessage } from './server-message.ts'

/** Facts about a response that is not a page. Never its content. */
export interface AnswerFacts {
  readonly url: URL
  readonly status: number
  readonly contentType: string | undefined
  readonly body: Pick<Buffer, 'length'>
  /** The `Retry-After` header. */
  readonly retryAfter?: string | undefined
  /** The authentication schemes of `WWW-Authenticate`. */
  readonly schemes?: readonly string[] | undefined
}

type Verdict = readonly [from: number, to: number, code: ErrorCode, message: string]

/** HTTP status → verdict. The first match applies. */
const statusVerdicts: readonly Verdict[] = [
  [204, 206, 'source.answer-malformed', 'the response has no content, or only a part'],
  [300, 399, 'source.answer-malformed', 'the redirect cannot be followed'],
  [
    403,
    403,
    'source.forbidden',
    'the server denies access; the call needs the right «consultation des membres clients» or «saisie des membres clients»',
  ],
  [
    404,
    404,
    'source.function-missing',
    'the server does not have the function at this URL: POLARIS_URL is wrong, the server is starting, or the service was withdrawn (its successor is WebConnect)',
  ],
  [408, 408, 'source.unreachable', 'the server did not receive the request in time'],
  [429, 429, 'source.throttled', 'the server received too many requests'],
  [400, 499, 'source.request-refused', 'the server refuses the request'],
  [501, 501, 'source.request-refused', 'the server does not support the request'],
  [500, 599, 'source.server-error', 'the server failed'],
]

/**
 * The error of an operation for a status; undefined if the body decides. `nowMs`: time of the response, for a `Retry-After`
 * date.
 */
export function statusError(
  facts: AnswerFacts,
  { auth, nowMs, operation }: { auth: AuthConfig['kind']; nowMs: number; operation: string },
): ConnectorError | undefined {
  const { status, url } = facts
  const [, , code, message] = statusVerdicts.find(([from, to]) => from <= status && status <= to) ?? []
  if (code === undefined) return undefined
  const why = status === 401 ? unauthorized(facts, auth) : `${message}${status === 400 ? ifTls(url) : ''}`
  return new ConnectorError(
    status === 401 ? 'source.unauthorized' : code,
    `${operation}: ${why} (${describe(facts)})`,
    { retryAfterMs: retryAfterMs(facts.retryAfter, nowMs) },
  )
}

/** Status, content type and size of a response, and the URL without its query, for messages. */
export function describe({ url, status, contentType, body }: AnswerFacts): string {
  const type = /^\s*([a-z]+\/[\w.+-]{1,60})/i.exec(contentType ?? '')?.[1] ?? 'no content type'
  return `status ${status}, ${type}, ${body.length} bytes from ${serverOf(url)}${url.pathname}`
}

/** Parses `Retry-After` in seconds or as a date; undefined if it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

/** What a 401 means, with the schemes that the server offers. */
function unauthorized({ url, schemes = [] }: AnswerFacts, auth: AuthConfig['kind']): string {
  const refusal =
    auth === 'none' ? 'the server requires authentication, and POLARIS_AUTH is none' : 'the server refuses the user'
  if (schemes.length === 0) return refusal
  const offer = `${refusal}; it offers ${schemes.join(', ')}`
  const path = url.pathname.replace(/[^/]*$/, '')
  return schemes.some((scheme) => /^basic$/i.test(scheme))
    ? offer
    : `${offer}, and the connector needs Basic or anonymous access for ${path} (in IIS: Authentication)`
}

/** Why an answer is not the page. `refused`: 401. `no-session`: 403 or a login page. */
export interface NoPage {
  readonly kind: 'refused' | 'no-session' | 'no-page'
  readonly error: ConnectorError
}

type JudgedAnswer = { readonly kind: 'page'; readonly content: PageContent } | NoPage

export interface JudgeSettings {
  readonly output: OutputFormat
  readonly auth: AuthConfig['kind']
  /** Time of the response, for `Retry-After` dates. */
  readonly nowMs: number
}

/** Invariant 9: a response is a `page` only if it is complete, well-formed and in the requested format. */
export function judgeAnswer(answer: HttpAnswer, decoded: DecodedBody, settings: JudgeSettings): JudgedAnswer {
  const { status } = answer
  const byStatus = statusError(answer, { ...settings, operation: 'read clients' })
  if (byStatus !== undefined) {
    const kind = status === 401 ? 'refused' : status === 403 ? 'no-session' : 'no-page'
    return { kind, error: withFault(byStatus, answer) }
  }
  if (decoded.kind === 'page') {
    const wrong = wrongPage(answer, decoded.format, settings)
    return wrong === undefined ? { kind: 'page', content: decoded.content } : { kind: 'no-page', error: wrong }
  }
  return judgeOther(decoded.error, answer)
}

/** Why a well-formed page is not the one that was requested. */
function wrongPage(answer: HttpAnswer, format: OutputFormat, { output }: JudgeSettings): ConnectorError | undefined {
  const facts = describe(answer)
  if (format !== output)
    return new ConnectorError(
      'source.answer-malformed',
      `decode page: the response is not in the requested format, ${output} (${facts})`,
    )
  if (!answer.hasLostArguments) return undefined
  return new ConnectorError(
    'source.request-refused',
    `read clients: a redirect dropped arguments of the call: set POLARIS_URL to the final address (${facts})`,
  )
}

/** Judges a response whose status is a success but which is not a page. */
function judgeOther(error: ConnectorError, answer: HttpAnswer): NoPage {
  const { body } = serverMessage(answer)
  const facts = describe(answer)
  if (isLoginPage(body)) {
    const why = 'the server returned a login page'
    return { kind: 'no-session', error: new ConnectorError('source.unauthorized', `read clients: ${why} (${facts})`) }
  }
  if (isHtml(body)) {
    const why = 'the server returned an HTML page'
    return { kind: 'no-page', error: new ConnectorError('source.answer-malformed', `read clients: ${why} (${facts})`) }
  }
  return { kind: 'no-page', error: withFault(error.with(`${error.message} (${facts})`), answer) }
}

/** The error with the name of the fault in the response. */
function withFault(error: ConnectorError, answer: HttpAnswer): ConnectorError {
  const fault = faultIn(serverMessage(answer))
  return fault === undefined ? error : error.with(`${error.message}: ${fault}`)
}
