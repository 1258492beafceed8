import { ConnectorError } from '../runtime/connector-error.ts'
import { type LoginParts, login } from './login.ts'
import { withToken } from './login-token.ts'
import type { AuthConfig } from './polaris-config.ts'
import type { ApiRequest } from './read-request.ts'

/** What came of a call: something, or a sign that there is no session (any more). */
export type Attempt<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'logged-out'; readonly error: ConnectorError }

/** Makes calls as the configured user. One session serves one opening of a stream. */
export interface Session {
  /**
   * Makes the call, after a login where one is due; logs in again once when the call shows that there is no session, then gives up.
   * Once the user was refused, every call fails at once with the same error: bad credentials are never tried in a loop.
   */
  send<Answer>(
    request: ApiRequest,
    call: (request: ApiRequest) => Promise<Attempt<Answer>>,
    stop: AbortSignal,
  ): Promise<Answer>
}

/** What the server gave at the last login. */
interface LoggedIn {
  readonly token: string | undefined
}

export function openSession(auth: AuthConfig, parts: LoginParts): Session {
  let loggedIn: LoggedIn | undefined
  let refused: ConnectorError | undefined
  /** A message that looked like the end of the session stayed after a fresh login: it means something else. */
  let isFalseAlarm = false

  const giveUp = (error: unknown): never => {
    if (isRefusal(error)) refused = error
    else isFalseAlarm = true
    throw error
  }
  const authorise = async (request: ApiRequest, stop: AbortSignal): Promise<ApiRequest> => {
    if (auth.kind === 'basic') return withBasic(request, auth)
    if (auth.kind === 'none') return request
    loggedIn ??= await login(auth, parts, stop).catch((error: unknown) => {
      if (isRefusal(error)) refused = error
      throw error
    })
    const { token: config } = auth.login
    const { token } = loggedIn
    return config === undefined || token === undefined ? request : withToken(request, token, config.sendAs)
  }
  return {
    send: async (request, call, stop) => {
      if (refused !== undefined) throw refused
      const isOldSession = loggedIn !== undefined
      const first = await call(await authorise(request, stop))
      if (first.kind === 'answered') {
        isFalseAlarm = false
        return first.answer
      }
      if (!isOldSession || (isFalseAlarm && !isRefusal(first.error))) return giveUp(first.error)
      loggedIn = undefined
      const second = await call(await authorise(request, stop))
      return second.kind === 'answered' ? second.answer : giveUp(second.error)
    },
  }
}

function isRefusal(error: unknown): error is ConnectorError {
  return error instanceof ConnectorError && (error.code === 'source.unauthorized' || error.code === 'source.forbidden')
}

function withBasic(request: ApiRequest, { user, password }: { user: string; password: string }): ApiRequest {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  return { ...request, headers: { ...request.headers, authorization } }
}
