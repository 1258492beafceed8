import { ConnectorError } from '../runtime/connector-error.ts'
import { isHtml, isLoginPage, namesRights, saysForbidden, saysLoggedOut } from './answer-text.ts'
import { type AnswerFacts, describe, forbidden, statusError } from './answer-verdict.ts'
import type { OutputFormat } from './client-source.ts'
import { decodeAnswer, formatOf } from './decode-answer.ts'
import { decodePage, type PageContent } from './decode-page.ts'
import { decodeText } from './decode-text.ts'
import type { DecodeSettings } from './decode-xml.ts'
import type { HttpAnswer } from './http-caller.ts'

/** What an answer is: a page, a sign that there is no session (any more), or a failure. */
export type Judgement =
  | { readonly kind: 'page'; readonly content: PageContent }
  | { readonly kind: 'logged-out'; readonly error: ConnectorError }
  | { readonly kind: 'failed'; readonly error: ConnectorError }

export interface JudgeSettings extends DecodeSettings {
  readonly output: OutputFormat
  readonly clientsField: string | undefined
  /** The moment of the answer, for `Retry-After` dates. */
  readonly nowMs: number
}

/** Judges an answer to a read. Invariant 9: `page` is a complete, well-formed page in the format that was asked for. */
export function judgeAnswer(answer: HttpAnswer, settings: JudgeSettings): Judgement {
  const { status, contentType, body, retryAfter } = answer
  const facts = { status, contentType, bytes: body.length, retryAfter }
  const byStatus = statusError(facts, settings.nowMs)
  if (byStatus !== undefined) return judgeFailure(byStatus, facts, textUnlessBroken(answer))
  let text = ''
  try {
    text = decodeText(body, contentType)
    const content = decodePage(decodeAnswer(text, settings), settings.clientsField)
    if (formatOf(text) !== settings.output)
      throw new ConnectorError(
        'source.answer-malformed',
        `decode page: ${settings.output} was asked for, something else came`,
      )
    if (answer.hasLostArguments)
      throw new ConnectorError(
        'source.redirected',
        'read clients: a redirect led to a place without the arguments of the call',
      )
    return { kind: 'page', content }
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    return judgeOther(error, facts, text)
  }
}

/** An answer whose status says that it is no page. */
function judgeFailure(error: ConnectorError, facts: AnswerFacts, text: string): Judgement {
  if (facts.status === 401) return { kind: 'logged-out', error }
  if (facts.status === 403) return saysForbidden(text) ? { kind: 'failed', error } : { kind: 'logged-out', error }
  return { kind: 'failed', error: namesRights(text) ? forbidden(facts) : error }
}

/** An answer whose status promised a page. */
function judgeOther(error: ConnectorError, facts: AnswerFacts, text: string): Judgement {
  const as = (code: ConnectorError['code'], why: string) => new ConnectorError(code, `${why} (${describe(facts)})`)
  if (isLoginPage(text))
    return {
      kind: 'logged-out',
      error: as('source.unauthorized', 'read clients: a login page instead of a page of clients'),
    }
  if (isHtml(text)) return { kind: 'failed', error: as('source.answer-not-a-page', 'read clients: an HTML page') }
  const described = as(error.code, error.message)
  const isMessage = error.code === 'source.error-document' || error.code === 'source.answer-not-a-page'
  if (isMessage && saysForbidden(text)) return { kind: 'failed', error: forbidden(facts) }
  if (isMessage && saysLoggedOut(text)) return { kind: 'logged-out', error: described }
  return { kind: 'failed', error: described }
}

function textUnlessBroken({ body, contentType }: HttpAnswer): string {
  try {
    return decodeText(body, contentType)
  } catch {
    return ''
  }
}
