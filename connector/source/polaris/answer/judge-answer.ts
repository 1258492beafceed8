import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { OutputFormat } from '../../client-source.ts'
import { type DecodedBody, isErrorDocument, type PageContent } from '../decode/page/decode-page.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import { type Access, type AnswerFacts, describe, forbidden, statusError } from './answer-verdict.ts'
import { faultIn, withFault } from './fault.ts'
import {
  isHtml,
  isLoginPage,
  namesRights,
  type ServerMessage,
  saysForbidden,
  saysLoggedOut,
  serverMessage,
} from './server-message.ts'

/** A page, a sign that there is no session or that it has expired, or a failure. */
type JudgedAnswer =
  | { readonly kind: 'page'; readonly content: PageContent }
  | { readonly kind: 'logged-out'; readonly error: ConnectorError }
  | { readonly kind: 'failed'; readonly error: ConnectorError }

export interface JudgeSettings {
  readonly output: OutputFormat
  readonly clientsField: string | undefined
  readonly access: Access
  /** Time of the response, for `Retry-After` dates. */
  readonly nowMs: number
}

/** Invariant 9: a response is a `page` only if it is complete, well-formed and in the requested format. */
export function judgeAnswer(answer: HttpAnswer, decoded: DecodedBody, settings: JudgeSettings): JudgedAnswer {
  const byStatus = statusError(answer, settings.access, settings.nowMs)
  if (byStatus !== undefined) return judgeFailure(byStatus, answer)
  if (decoded.kind === 'no-page') return judgeOther(decoded.error, answer, settings)
  const wrong = wrongPage(answer, decoded.format, settings)
  return wrong === undefined ? { kind: 'page', content: decoded.content } : failed(described(wrong, answer))
}

const failed = (error: ConnectorError): JudgedAnswer => ({ kind: 'failed', error })
const loggedOut = (error: ConnectorError): JudgedAnswer => ({ kind: 'logged-out', error })
const described = (error: ConnectorError, facts: AnswerFacts) => error.with(`${error.message} (${describe(facts)})`)

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

/** Judges a response whose status is an error. */
function judgeFailure(byStatus: ConnectorError, answer: HttpAnswer): JudgedAnswer {
  const message = serverMessage(answer)
  const fault = faultIn(message)
  const error = withFault(byStatus, fault)
  if (answer.status === 401) return loggedOut(error)
  if (answer.status === 403) return saysForbidden(message.text) ? failed(error) : loggedOut(error)
  if (namesRights(message.text)) return failed(forbidden(answer))
  return answer.status >= 500 && fault?.kind === 'session' ? loggedOut(error) : failed(error)
}

/** Judges a response whose status is a success but which is not a page. */
function judgeOther(notPage: ConnectorError, answer: HttpAnswer, { clientsField }: JudgeSettings): JudgedAnswer {
  const message = serverMessage(answer)
  const as = (code: ConnectorError['code'], why: string) => described(new ConnectorError(code, why), answer)
  if (isLoginPage(message.body))
    return loggedOut(as('source.login-page', 'read clients: the server returned a login page'))
  if (isHtml(message.body))
    return failed(as('source.answer-not-a-page', 'read clients: the server returned an HTML page'))
  const error = errorDocument(message, notPage, clientsField) ?? notPage
  if (error.code !== 'source.error-document' && error.code !== 'source.answer-not-a-page') {
    return failed(described(error, answer))
  }
  const fault = faultIn(message)
  if (fault?.kind === 'forbidden' || saysForbidden(message.text)) return failed(forbidden(answer))
  const named = withFault(described(error, answer), fault)
  return fault?.kind === 'session' || saysLoggedOut(message.text) ? loggedOut(named) : failed(named)
}

/** The error for an error document that is not well-formed: proxies and templates write HTML entities into them. */
function errorDocument(
  { root }: ServerMessage,
  { code }: ConnectorError,
  clientsField: string | undefined,
): ConnectorError | undefined {
  if (code !== 'source.answer-malformed' || root === undefined || !isErrorDocument(root, clientsField)) return undefined
  return new ConnectorError('source.error-document', 'decode page: the response is an error document, not well-formed')
}
