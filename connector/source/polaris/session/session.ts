import type { Clock } from '../../../runtime/clock.ts'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { type Account, LOOK_AGAIN_MS, type RefusedAccounts } from '../../../runtime/refused-accounts.ts'
import type { HttpCaller } from '../http/http-caller.ts'
import { type ApiRequest, apiCall } from '../http/read-request.ts'
import type { AuthConfig, LoginConfig, TokenConfig } from '../polaris-config.ts'
import { judgeLogin, type LoggedIn, type LoginVerdict } from './login-verdict.ts'

/** The outcome of a call: a result, or a sign that there is no session or that it has expired. */
export type Attempt<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'logged-out'; readonly error: ConnectorError }

/** How long a message that persists after a new login is not treated as an expired session. */
const FALSE_ALARM_MS = 60_000

/** Makes calls with the configured account. */
interface Session {
  /**
   * Makes the call, after a login if needed. If the call finds no session, logs in again once and then gives up. Does
   * not use an account that the server refused until `RefusedAccounts` allows it.
   */
  send<Answer>(
    request: ApiRequest,
    call: (request: ApiRequest) => Promise<Attempt<Answer>>,
    stop: AbortSignal,
  ): Promise<Answer>
}

interface SessionParts extends LoginParts {
  readonly accounts: RefusedAccounts
}

type Send = Session['send']

export function openSession(auth: AuthConfig, parts: SessionParts): Session {
  switch (auth.kind) {
    case 'none':
      return { send: async (request, call) => answerOf(await call(request)) }
    case 'basic':
      return { send: basicSend(auth.account, parts) }
    case 'login':
      return { send: loginSend(auth, parts) }
  }
}

/** Every call carries the credentials, so every call counts as a login. */
function basicSend(account: Account, parts: SessionParts): Send {
  return (request, call, stop) => {
    const exchange = async (now: Account) => answerOf(await call(withBasic(request, now)))
    const refusalIn = (error: unknown) => (concernsAccount(error) ? notBefore(error) : undefined)
    return parts.accounts.logIn({ server: parts.base.origin, account: () => account, exchange, refusalIn }, stop)
  }
}

function loginSend(auth: Extract<AuthConfig, { kind: 'login' }>, parts: SessionParts): Send {
  const { loggedInBy, refusalIn, doubtIn } = failedLogins()
  /** Result of the last login. */
  let loggedIn: LoggedIn | undefined
  /** Milliseconds on the monotonic clock. */
  let falseAlarmUntil = Number.NEGATIVE_INFINITY

  /** The call failed although the login is new. */
  const giveUp = (error: ConnectorError): never => {
    if (!concernsAccount(error)) falseAlarmUntil = parts.clock.monotonic() + FALSE_ALARM_MS
    throw error
  }
  const authorise = async (request: ApiRequest, stop: AbortSignal): Promise<ApiRequest> => {
    const { account, login: how } = auth
    const exchange = async (now: Account) => loggedInBy(await login({ ...now, ...how }, parts, stop))
    const attempt = { server: parts.base.origin, account: () => account, exchange, refusalIn, doubtIn }
    loggedIn ??= await parts.accounts.logIn(attempt, stop)
    const { token: config } = how
    const { token } = loggedIn
    return config === undefined || token === undefined ? request : withToken(request, token, config.sendAs)
  }
  return async (request, call, stop) => {
    const isExistingSession = loggedIn !== undefined
    const first = await call(await authorise(request, stop))
    if (first.kind === 'answered') {
      falseAlarmUntil = Number.NEGATIVE_INFINITY
      return first.answer
    }
    if (!isExistingSession) return giveUp(first.error)
    if (parts.clock.monotonic() < falseAlarmUntil && !concernsAccount(first.error)) throw first.error
    loggedIn = undefined
    const second = await call(await authorise(request, stop))
    return second.kind === 'answered' ? second.answer : giveUp(second.error)
  }
}

function answerOf<Answer>(attempt: Attempt<Answer>): Answer {
  if (attempt.kind === 'answered') return attempt.answer
  throw attempt.error
}

const concernsAccount = (error: unknown): error is ConnectorError =>
  error instanceof ConnectorError && error.code === 'source.unauthorized'

/** What the failures of an account's logins mean. */
function failedLogins() {
  const verdicts = new WeakMap<object, 'refused' | 'doubtful' | 'failed'>()
  const spacedIf = (kind: 'refused' | 'doubtful') => (error: unknown) =>
    error instanceof ConnectorError && verdicts.get(error) === kind ? notBefore(error) : undefined
  return {
    loggedInBy: (verdict: LoginVerdict): LoggedIn => {
      if (verdict.kind === 'logged-in') return verdict
      verdicts.set(verdict.error, verdict.kind)
      throw verdict.error
    },
    refusalIn: spacedIf('refused'),
    doubtIn: spacedIf('doubtful'),
  }
}

/** The failure, with the earliest useful time of the next login. */
function notBefore(error: ConnectorError): ConnectorError {
  return error.with(error.message, { retryAfterMs: Math.max(error.retryAfterMs ?? 0, LOOK_AGAIN_MS) })
}

function withBasic(request: ApiRequest, { user, password }: Account): ApiRequest {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  return { ...request, headers: { ...request.headers, authorization } }
}

interface LoginParts {
  readonly caller: HttpCaller
  readonly base: URL
  readonly clock: Clock
}

/** Calls `ACL.Login` once, by POST: the password stays out of URLs and logs. The caller keeps the cookies. */
async function login(
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
function withToken(request: ApiRequest, token: string, sendAs: TokenConfig['sendAs']): ApiRequest {
  if (sendAs.kind === 'header') {
    return { ...request, headers: { ...request.headers, [sendAs.name]: `${sendAs.prefix ?? ''}${token}` } }
  }
  const url = new URL(request.url)
  const parameter = `${encodeURIComponent(sendAs.name)}=${encodeURIComponent(token)}`
  url.search = url.search === '' ? parameter : `${url.search}&${parameter}`
  return { ...request, url }
}
