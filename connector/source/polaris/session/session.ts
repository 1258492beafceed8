import type { Clock } from '../../../runtime/clock.ts'
import type { DecodedPage, JudgedAnswer } from '../answer/answer-verdict.ts'
import type { HttpCaller } from '../http/http-caller.ts'
import { type ApiRequest, apiCall } from '../http/read-request.ts'
import type { AuthConfig, TokenConfig } from '../polaris-config.ts'
import { type Account, type AccountGate, type LoginOutcome, REFUSED_MS } from './account-gate.ts'
import { judgeLogin } from './login-verdict.ts'

/** An older session may have expired if an answer is no page, a younger one if it has returned a page and is denied. */
const YOUNG_MS = 60_000

/**
 * Makes a call with the configured account, after a login if needed. If the session may have expired, logs in once more
 * and then gives up. Does not use an account that the server refused until `AccountGate` allows it.
 */
export type SendInSession = (request: ApiRequest, call: Call, stop: AbortSignal) => Promise<DecodedPage>

type Call = (request: ApiRequest) => Promise<JudgedAnswer>

interface SessionParts {
  readonly caller: HttpCaller
  readonly base: URL
  readonly clock: Clock
  readonly accounts: AccountGate
}

export function openSession(auth: AuthConfig, parts: SessionParts): SendInSession {
  switch (auth.kind) {
    case 'none':
      return async (request, call) => pageOf(await call(request))
    case 'basic':
      return basicSender(auth.account, parts)
    case 'login':
      return loginSender(auth, parts)
  }
}

function pageOf(judged: JudgedAnswer): DecodedPage {
  if (judged.kind === 'page') return judged.page
  throw judged.error
}

/** Makes calls that carry the credentials, so every call counts as a login. */
function basicSender(account: Account, { accounts, base }: SessionParts): SendInSession {
  return (request, call, stop) => {
    const exchange = async (now: Account): Promise<LoginOutcome<DecodedPage>> => {
      const judged = await call(withBasic(request, now))
      return judged.kind === 'refused'
        ? { kind: 'refused', error: judged.error, againAfterMs: REFUSED_MS }
        : { kind: 'proved', result: pageOf(judged) }
    }
    return accounts.logIn({ server: base.origin, account: () => account, isEachCall: true, exchange }, stop)
  }
}

interface LoginSession {
  readonly account: Account
  /** Whether the account was proved before the login. */
  readonly isProved: boolean
  readonly token: string | undefined
  /** The login was at this time of the monotonic clock. */
  readonly loggedInAt: number
  hasReturnedPage: boolean
}

function loginSender(
  { account, token: config }: Extract<AuthConfig, { kind: 'login' }>,
  parts: SessionParts,
): SendInSession {
  const { accounts, base, clock, caller } = parts
  let loggedIn: LoginSession | undefined

  return async (request, call, stop) => {
    const callIn = async (session: LoginSession) => {
      const { token } = session
      const judged = await call(
        config === undefined || token === undefined ? request : withToken(request, token, config.sendAs),
      )
      session.hasReturnedPage ||= judged.kind === 'page'
      return judged
    }
    // A login can refuse an account, but only a page proves it. Until then, the first call of a session belongs to its
    // login: no other stream logs in before that call is judged. Once the account is proved, no stream waits for the
    // call of another.
    const exchange = async (now: Account, isProved: boolean): Promise<LoginOutcome<ReturnType<Call>>> => {
      if (loggedIn?.account !== now) {
        const login = judgeLogin(await caller.call(loginRequest(base, now), stop), config)
        if (login.kind === 'refused') return login
        const loggedInAt = clock.monotonic()
        loggedIn = { account: now, isProved, token: login.result, loggedInAt, hasReturnedPage: false }
      }
      const session = loggedIn
      const result = callIn(session)
      if (isProved) return { kind: 'accepted', result }
      const judged = await result
      if (judged.kind === 'page') return { kind: 'proved', result }
      if (judged.kind === 'no-page' || mayHaveExpired(session, judged, clock)) return { kind: 'accepted', result }
      loggedIn = undefined
      return { kind: 'refused', error: judged.error, againAfterMs: REFUSED_MS }
    }
    const send = async () => {
      if (loggedIn?.hasReturnedPage) return await callIn(loggedIn)
      return await accounts.logIn({ server: base.origin, account: () => account, isEachCall: false, exchange }, stop)
    }
    const former = loggedIn
    const first = await send()
    if (first.kind === 'page' || former === undefined || former !== loggedIn || !mayHaveExpired(former, first, clock))
      return pageOf(first)
    loggedIn = undefined
    return pageOf(await send())
  }
}

/**
 * Whether a session may have expired, by an answer that is no page. A session of an unproved account that has returned
 * no page is kept longer if it is not denied: such an answer may also mean that the password is wrong.
 */
function mayHaveExpired(session: LoginSession, { kind }: JudgedAnswer, clock: Clock) {
  const { isProved, hasReturnedPage, loggedInAt } = session
  const isDenied = kind !== 'no-page'
  if (isDenied && hasReturnedPage) return true
  return clock.monotonic() - loggedInAt > (isDenied || isProved || hasReturnedPage ? YOUNG_MS : REFUSED_MS)
}

/** With POST, the password stays out of URLs and logs. The caller keeps the cookies. */
function loginRequest(base: URL, { user, password }: Account): ApiRequest {
  return apiCall({ base, method: 'POST', name: 'ACL.Login' }, [
    ['user', user],
    ['password', password],
  ])
}

function withBasic(request: ApiRequest, { user, password }: Account): ApiRequest {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  return { ...request, headers: { ...request.headers, authorization } }
}

/** Returns the request with the token, as a header or a query parameter. */
function withToken(request: ApiRequest, token: string, sendAs: TokenConfig['sendAs']): ApiRequest {
  if (sendAs.kind === 'header') {
    return { ...request, headers: { ...request.headers, [sendAs.name]: `${sendAs.prefix ?? ''}${token}` } }
  }
  const url = new URL(request.url)
  const parameter = `${encodeURIComponent(sendAs.name)}=${encodeURIComponent(token)}`
  url.search = url.search === '' ? parameter : `${url.search}&${parameter}`
  return { ...request, url }
}
