import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import { serverOf } from '../../../runtime/network.ts'
import type { OutputFormat, Page } from '../../client-source.ts'
import { decodeBody, type PageContent, type PageSettings } from '../decode/page/decode-page.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import type { AuthConfig } from '../polaris-config.ts'
import { tlsHint } from './network-error.ts'
import { layoutOf } from './page-layout.ts'
import { faultIn, isHtml, isLoginPage, serverMessage } from './server-message.ts'

type Verdict = readonly [from: number, to: number, code: ErrorCode, message: string]

/** Gives the verdict for a range of HTTP statuses. The first match applies. */
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

/** Returns the error of an operation for a status; undefined if the body decides. */
export function statusError(
  answer: HttpAnswer,
  { auth, operation }: { auth: AuthConfig['kind']; operation: string },
): ConnectorError | undefined {
  const { status, url } = answer
  const [, , code, message] = statusVerdicts.find(([from, to]) => from <= status && status <= to) ?? []
  if (code === undefined) return undefined
  const why = status === 401 ? unauthorizedText(answer, auth) : `${message}${status === 400 ? tlsHint(url) : ''}`
  return new ConnectorError(
    status === 401 ? 'source.unauthorized' : code,
    `${operation}: ${why} (${describeAnswer(answer)})`,
    { retryAfterMs: retryAfterMs(answer) },
  )
}

/** Describes a response for messages by its status, content type, size and URL without the query. Never its content. */
export function describeAnswer({ url, isRedirected, status, headers, body }: HttpAnswer): string {
  const type = /^\s*([a-z]+\/[\w.+-]{1,60})/i.exec(headers['content-type'] ?? '')?.[1] ?? 'no content type'
  return `status ${status}, ${type}, ${body.length} bytes from ${serverOf(url)}${url.pathname}${isRedirected ? ', redirected' : ''}`
}

/** Parses `Retry-After` in seconds, or as a date beside that of the server; undefined if it is neither. */
function retryAfterMs({ headers, serverTime }: HttpAnswer): number | undefined {
  const retryAfter = headers['retry-after'] ?? ''
  if (/^\s*\d{1,9}\s*$/.test(retryAfter)) return Number(retryAfter) * 1000
  const inMs = Date.parse(retryAfter) - (serverTime ?? Number.NaN)
  return Number.isNaN(inMs) ? undefined : Math.max(0, inMs)
}

/**
 * Returns the usual authentication schemes in the `WWW-Authenticate` headers. Invariant 8: any other text may be
 * personal.
 */
function offeredSchemes(headers = ''): readonly string[] {
  const names = headers.replaceAll(/"[^"]*"/g, '').match(/\b(?:basic|digest|bearer|ntlm|negotiate)\b/gi)
  return [...new Set(names)]
}

/** Says what a 401 means, with the schemes that the server offers. */
function unauthorizedText({ url, headers }: HttpAnswer, auth: AuthConfig['kind']) {
  const refusal =
    auth === 'none' ? 'the server requires authentication, and POLARIS_AUTH is none' : 'the server refuses the user'
  const schemes = offeredSchemes(headers['www-authenticate'])
  if (schemes.length === 0) return refusal
  const offer = `${refusal}; it offers ${schemes.join(', ')}`
  const path = url.pathname.replace(/[^/]*$/, '')
  return schemes.some((scheme) => /^basic$/i.test(scheme))
    ? offer
    : `${offer}, and the connector needs Basic or anonymous access for ${path} (in IIS: Authentication)`
}

/** Why an answer is not the page. `refused`: 401. `no-session`: 403 or a login page. */
interface NoPage {
  readonly kind: 'refused' | 'no-session' | 'no-page'
  readonly error: ConnectorError
}

/** A page, and the number of its characters that XML forbids, which were decoded to U+FFFD. */
export type DecodedPage = Page & Pick<PageContent, 'replacedCharacters'>

export type JudgedAnswer = { readonly kind: 'page'; readonly page: DecodedPage } | NoPage

export interface JudgeSettings extends PageSettings {
  readonly output: OutputFormat
  readonly auth: AuthConfig['kind']
}

/** Judges a response. Invariant 9: it is a `page` only if it is complete, well-formed and in the requested format. */
export function judgeAnswer(answer: HttpAnswer, settings: JudgeSettings): JudgedAnswer {
  const { status } = answer
  const byStatus = statusError(answer, { auth: settings.auth, operation: 'read clients' })
  if (byStatus !== undefined) {
    const kind = status === 401 ? 'refused' : status === 403 ? 'no-session' : 'no-page'
    return { kind, error: withFault(byStatus, answer) }
  }
  try {
    return { kind: 'page', page: pageIn(answer, settings) }
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    return judgeNoPage(error, answer)
  }
}

function pageIn(answer: HttpAnswer, settings: JudgeSettings): DecodedPage {
  const { reading, ...content } = decodeBody(answer, settings.output, settings)
  const { serverTime, tookMs, body, hasLostArguments } = answer
  if (hasLostArguments) {
    const why = 'a redirect dropped arguments of the call: set POLARIS_URL to the final address'
    throw new ConnectorError('source.request-refused', `read clients: ${why}`)
  }
  return { ...content, layout: layoutOf(reading), serverTime, tookMs, bytes: body.length }
}

/** Judges a response whose status is a success but which is not a page. */
function judgeNoPage(error: ConnectorError, answer: HttpAnswer): NoPage {
  const { body } = serverMessage(answer)
  const facts = describeAnswer(answer)
  if (!isHtml(body)) return { kind: 'no-page', error: withFault(error.with(`${error.message} (${facts})`), answer) }
  const [kind, code, page] = isLoginPage(body)
    ? (['no-session', 'source.unauthorized', 'a login page'] as const)
    : (['no-page', 'source.answer-malformed', 'an HTML page'] as const)
  return { kind, error: new ConnectorError(code, `read clients: the server returned ${page} (${facts})`) }
}

/** Returns the error with the name of the fault in the response. */
export function withFault(error: ConnectorError, answer: HttpAnswer): ConnectorError {
  const fault = faultIn(serverMessage(answer))
  return fault === undefined ? error : error.with(`${error.message}: ${fault}`)
}
