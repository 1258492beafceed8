import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import { isHtml, isLoginPage, mentionsPassword, saysWrongCredentials } from '../answer/answer-text.ts'
import { describe, statusError } from '../answer/answer-verdict.ts'
import { decodeText } from '../decode/decode-text.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import type { TokenConfig } from '../polaris-config.ts'
import { tokenIn } from './login-token.ts'

/**
 * What the response to a login means. `refused`: the server says that user or password are wrong. `doubtful`: the
 * login failed for another reason, but may also have failed for that one. `failed`: the credentials are not concerned.
 */
export type LoginVerdict =
  | { readonly kind: 'logged-in'; readonly token: string | undefined }
  | { readonly kind: 'refused' | 'doubtful' | 'failed'; readonly error: ConnectorError }

/** Only a 401 or a complete, successful response that says so refuses the credentials. */
export function judgeLogin(answer: HttpAnswer, token: TokenConfig | undefined, nowMs: number): LoginVerdict {
  const { url, status, contentType, body, retryAfter } = answer
  const facts = { url, status, contentType, bytes: body.length, retryAfter }
  const fails = (kind: 'refused' | 'doubtful' | 'failed', code: ErrorCode, why: string): LoginVerdict => ({
    kind,
    error: new ConnectorError(code, `log in: ${why} (${describe(facts)})`, { retryAfterMs: failed?.retryAfterMs }),
  })
  const failed = status === 204 || status === 205 ? undefined : statusError(facts, nowMs)
  const text = textOf(answer)
  // After a redirect that dropped user and password, the response is not about them for certain.
  const refused = answer.hasLostArguments ? 'doubtful' : 'refused'

  if (status === 401) return fails(refused, 'source.unauthorized', 'the server refuses the user')
  if (failed !== undefined) {
    const isDoubtful = status === 400 || status === 403 || (status !== 404 && mentionsPassword(text))
    return fails(isDoubtful ? 'doubtful' : 'failed', failed.code, failures[failed.code] ?? 'the login failed')
  }
  if (isLoginPage(text)) return fails(refused, 'source.login-page', 'the response to the login is a login page')
  if (isFalse(text)) return fails(refused, 'source.unauthorized', 'the server refuses the user')
  if (isErrorDocument(text)) {
    if (saysWrongCredentials(text)) return fails(refused, 'source.unauthorized', 'the server refuses the user')
    const kind = mentionsPassword(text) ? 'doubtful' : 'failed'
    return fails(kind, 'source.error-document', 'the server returned an error document')
  }
  if (token === undefined) return { kind: 'logged-in', token }
  const found = tokenIn(text, token.from)
  if (found !== undefined) return { kind: 'logged-in', token: found }
  return isHtml(text)
    ? fails('failed', 'source.answer-not-a-page', 'the server returned an HTML page')
    : fails('doubtful', 'source.answer-not-a-page', 'the response has no token where polaris.login.token expects it')
}

const failures: { readonly [code in ErrorCode]?: string } = {
  'source.forbidden': 'the server denies access to ACL.Login',
  'source.function-missing': 'the server has no ACL.Login at this URL',
  'source.request-refused': 'the server rejects the request',
}

/** The text of an error may have any encoding. */
function textOf({ status, body, contentType }: HttpAnswer): string {
  try {
    return decodeText(body, contentType)
  } catch (error) {
    if (status < 400) throw error
    return ''
  }
}

const isFalse = (text: string) => /^(?:<[^>]*>\s*)*"?(?:false|faux)"?\s*(?:<\/[^>]*>\s*)*$/i.test(text.trim())

/** Whether the name of the document, or of its first field, says that it is an error. */
function isErrorDocument(text: string): boolean {
  return (
    /^\s*(?:<\?[^>]*>\s*)?<[\w.:]*(?:err(?:or|eur)|exception|fault)/i.test(text) ||
    /^\s*(?:<\?[^>]*>\s*)?<[\w.:]*envelope\b[^>]*>\s*<[\w.:]*body\b[^>]*>\s*<[\w.:]*fault\b/i.test(text) ||
    /^\s*\{\s*"[^"]*(?:err(?:or|eur)|exception|fault)[^"]*"\s*:/i.test(text)
  )
}
