import type { Clock } from '../../../runtime/clock.ts'
import type { Account } from '../../../runtime/refused-accounts.ts'
import type { HttpCaller } from '../http/http-caller.ts'
import type { ApiRequest } from '../http/read-request.ts'
import { apiCall } from '../http/read-request.ts'
import type { LoginConfig, TokenConfig } from '../polaris-config.ts'
import { judgeLogin, type LoginVerdict } from './login-verdict.ts'

export interface LoginParts {
  readonly caller: HttpCaller
  readonly base: URL
  readonly clock: Clock
}

/** Calls `ACL.Login` once, by POST: the password stays out of URLs and access logs. The caller keeps the cookies. Throws what a call throws. */
export async function login(
  { user, password, token }: Account & LoginConfig,
  parts: LoginParts,
  stop: AbortSignal,
): Promise<LoginVerdict> {
  const request = apiCall({ base: parts.base, method: 'POST', name: 'ACL.Login' }, [
    ['user', user],
    ['password', password],
  ])
  return judgeLogin(await parts.caller.call(request, stop), token, parts.clock.now())
}

/** The request with the token, as a header or a query parameter. */
export function withToken(request: ApiRequest, token: string, sendAs: TokenConfig['sendAs']): ApiRequest {
  if (sendAs.kind === 'header') {
    return { ...request, headers: { ...request.headers, [sendAs.name]: `${sendAs.prefix ?? ''}${token}` } }
  }
  const url = new URL(request.url)
  const parameter = `${encodeURIComponent(sendAs.name)}=${encodeURIComponent(token)}`
  url.search = url.search === '' ? parameter : `${url.search}&${parameter}`
  return { ...request, url }
}
