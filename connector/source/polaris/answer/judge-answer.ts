import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { OutputFormat } from '../../client-source.ts'
import type { DecodedBody, PageContent } from '../decode/page/decode-page.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import type { AuthConfig } from '../polaris-config.ts'
import { describe, statusError } from './answer-verdict.ts'
import { faultIn } from './fault.ts'
import { isHtml, isLoginPage, serverMessage } from './server-message.ts'

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
