import { ConnectorError } from '../../runtime/connector-error.ts'
import type { OutputFormat } from '../client-source.ts'
import { decodeText } from '../decode/decode-text.ts'
import { readLeniently } from '../decode/lenient-xml.ts'
import { isErrorDocument, type PageContent } from '../decode/page/decode-page.ts'
import type { DecodedBody } from '../decode/page-decoder.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import { isHtml, isLoginPage, isShort, namesRights, saysForbidden, saysLoggedOut } from './answer-text.ts'
import { type AnswerFacts, describe, forbidden, statusError } from './answer-verdict.ts'

/** A page, a sign that there is no session or that it has expired, or a failure. */
type JudgedAnswer =
  | { readonly kind: 'page'; readonly content: PageContent }
  | { readonly kind: 'logged-out'; readonly error: ConnectorError }
  | { readonly kind: 'failed'; readonly error: ConnectorError }

export interface JudgeSettings {
  readonly output: OutputFormat
  readonly clientsField: string | undefined
  /** Time of the response, for `Retry-After` dates. */
  readonly nowMs: number
}

/** Invariant 9: a response is a `page` only if it is complete, well-formed and in the requested format. */
export function judgeAnswer(answer: HttpAnswer, decoded: DecodedBody, settings: JudgeSettings): JudgedAnswer {
  const { url, status, contentType, bytes, retryAfter } = answer
  const facts = { url, status, contentType, bytes, retryAfter }
  const byStatus = statusError(facts, settings.nowMs)
  if (byStatus !== undefined) return judgeFailure(byStatus, facts, textOrEmpty(answer))
  if (decoded.kind === 'no-page') {
    const text = textOrEmpty(answer)
    return judgeOther(errorDocument(text, decoded.error, settings) ?? decoded.error, facts, text)
  }
  const wrong = wrongPage(answer, decoded.format, settings)
  return wrong === undefined ? { kind: 'page', content: decoded.content } : judgeOther(wrong, facts, '')
}

/** Why a well-formed page is not the one that was requested. */
function wrongPage(answer: HttpAnswer, format: OutputFormat, { output }: JudgeSettings): ConnectorError | undefined {
  if (format !== output)
    return new ConnectorError(
      'source.answer-malformed',
      `decode page: the response is not in the requested format, ${output}`,
    )
  if (!answer.hasLostArguments) return undefined
  return new ConnectorError('source.redirected', 'read clients: a redirect dropped arguments of the call')
}

/** The error for an error document that is not well-formed: proxies and templates write HTML entities into them. */
function errorDocument(
  text: string,
  { code }: ConnectorError,
  { clientsField }: JudgeSettings,
): ConnectorError | undefined {
  if (code !== 'source.answer-malformed' || !isShort(text) || isHtml(text)) return undefined
  const root = readLeniently(text)
  if (root === undefined || !isErrorDocument(root, clientsField)) return undefined
  return new ConnectorError('source.error-document', 'decode page: the response is an error document, not well-formed')
}

/** Judges a response whose status is an error. */
function judgeFailure(error: ConnectorError, facts: AnswerFacts, text: string): JudgedAnswer {
  if (facts.status === 401) return { kind: 'logged-out', error }
  if (facts.status === 403) return saysForbidden(text) ? { kind: 'failed', error } : { kind: 'logged-out', error }
  return { kind: 'failed', error: namesRights(text) ? forbidden(facts) : error }
}

/** Judges a response whose status is a success but which is not a page. */
function judgeOther(error: ConnectorError, facts: AnswerFacts, text: string): JudgedAnswer {
  const as = (code: ConnectorError['code'], why: string) => new ConnectorError(code, `${why} (${describe(facts)})`)
  if (isLoginPage(text))
    return {
      kind: 'logged-out',
      error: as('source.login-page', 'read clients: the server returned a login page'),
    }
  if (isHtml(text))
    return { kind: 'failed', error: as('source.answer-not-a-page', 'read clients: the server returned an HTML page') }
  const described = as(error.code, error.message)
  const isMessage = error.code === 'source.error-document' || error.code === 'source.answer-not-a-page'
  if (isMessage && saysForbidden(text)) return { kind: 'failed', error: forbidden(facts) }
  if (isMessage && saysLoggedOut(text)) return { kind: 'logged-out', error: described }
  return { kind: 'failed', error: described }
}

function textOrEmpty({ body, contentType }: HttpAnswer): string {
  try {
    return decodeText(body, contentType)
  } catch {
    return ''
  }
}
