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

  const fail = (error: unknown): never => {
    const isFinal =
      error instanceof ConnectorError && (error.code === 'source.unauthorized' || error.code === 'source.forbidden')
    if (isFinal) refused = error
    throw error
  }
  const authorise = async (request: ApiRequest, stop: AbortSignal): Promise<ApiRequest> => {
    if (auth.kind === 'basic') return withBasic(request, auth)
    if (auth.kind === 'none') return request
    loggedIn ??= await login(auth, parts, stop).catch(fail)
    const { token: config } = auth.login
    return config === undefined || loggedIn.token === undefined
      ? request
      : withToken(request, loggedIn.token, config.sendAs)
  }
  return {
    send: async (request, call, stop) => {
      if (refused !== undefined) throw refused
      const hadSession = loggedIn !== undefined
      const first = await call(await authorise(request, stop))
      if (first.kind === 'answered') return first.answer
      loggedIn = undefined
      if (!hadSession) return fail(first.error)
      const second = await call(await authorise(request, stop))
      return second.kind === 'answered' ? second.answer : fail(second.error)
    },
  }
}

function withBasic(request: ApiRequest, { user, password }: { user: string; password: string }): ApiRequest {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  return { ...request, headers: { ...request.headers, authorization } }
}
