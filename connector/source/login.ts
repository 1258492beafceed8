import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { isHtml, isLoginPage, speaksOfCredentials } from './answer-text.ts'
import { describe, statusError } from './answer-verdict.ts'
import { decodeText } from './decode-text.ts'
import type { HttpAnswer, HttpCaller } from './http-caller.ts'
import { tokenIn } from './login-token.ts'
import type { AuthConfig, TokenConfig } from './polaris-config.ts'
import { apiCall } from './read-request.ts'

export interface LoginParts {
  readonly caller: HttpCaller
  readonly base: URL
  readonly clock: Clock
}

type LoginAuth = Extract<AuthConfig, { readonly kind: 'login' }>

/**
 * Calls `ACL.Login` once; cookies stay with the caller. Gives the token where one is configured. Throws `source.unauthorized` when the
 * user is refused, else what a call throws.
 */
export async function login(
  auth: LoginAuth,
  parts: LoginParts,
  stop: AbortSignal,
): Promise<{ token: string | undefined }> {
  const request = apiCall({ base: parts.base, method: auth.login.method, name: 'ACL.Login' }, [
    ['user', auth.user],
    ['password', auth.password],
  ])
  const answer = await parts.caller.call(request, stop)
  return { token: readLogin(answer, auth.login.token, parts.clock.now()) }
}

function readLogin(answer: HttpAnswer, token: TokenConfig | undefined, nowMs: number): string | undefined {
  const { status, contentType, body, retryAfter } = answer
  const facts = { status, contentType, bytes: body.length, retryAfter }
  const fail = (code: ConnectorError['code'], why: string) =>
    new ConnectorError(code, `log in: ${why} (${describe(facts)})`)
  const text = decodeText(body, contentType)

  const failed = status === 204 || status === 205 ? undefined : statusError(facts, nowMs)
  const isRefusal =
    failed?.code === 'source.request-refused' ||
    failed?.code === 'source.forbidden' ||
    (status === 500 && speaksOfCredentials(text))
  if (isRefusal || status === 401) throw fail('source.unauthorized', 'the server refuses the user')
  if (failed?.code === 'source.function-missing')
    throw fail('source.function-missing', 'the server has no ACL.Login at this place')
  if (failed !== undefined)
    throw new ConnectorError(failed.code, fail(failed.code, 'it did not work').message, {
      retryAfterMs: failed.retryAfterMs,
    })

  if (isLoginPage(text) || saysNo(text)) throw fail('source.unauthorized', 'the server does not accept the user')
  if (token === undefined) return undefined
  const found = tokenIn(text, token.from)
  if (found !== undefined) return found
  throw isHtml(text)
    ? fail('source.answer-not-a-page', 'an HTML page')
    : fail('source.unauthorized', 'no token where it is configured to be')
}

/** `false`, bare or in an element, or a document that is an error by its name. */
function saysNo(text: string): boolean {
  return (
    /^(?:<[^>]*>\s*)*"?(?:false|faux)"?\s*(?:<\/[^>]*>\s*)*$/i.test(text.trim()) ||
    /^\s*(?:<\?[^>]*>\s*)?<[\w.:]*(?:err(?:or|eur)|exception|fault)/i.test(text) ||
    /^\s*\{\s*"[^"]*(?:err(?:or|eur)|exception|fault)[^"]*"\s*:/i.test(text)
  )
}
