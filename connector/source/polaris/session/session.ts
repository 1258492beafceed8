import type { Clock } from '../../../runtime/clock.ts'
import type { DecodedPage, JudgedAnswer } from '../answer/answer-verdict.ts'
import type { HttpCaller } from '../http/http-caller.ts'
import { type ApiRequest, apiCall } from '../http/read-request.ts'
import type { AuthConfig, TokenConfig } from '../polaris-config.ts'
import { judgeLogin } from './login-verdict.ts'
import { type Account, type LoginOutcome, REFUSED_MS, type RefusedAccounts } from './refused-accounts.ts'

/** An older session may have expired if an answer is no page, a younger one if it has returned a page and is denied. */
const YOUNG_MS = 60_000

/**
 * Makes a call with the configured account, after a login if needed. If the session may have expired, logs in once more
 * and then gives up. Does not use an account that the server refused until `RefusedAccounts` allows it.
 */
export type SendInSession = (request: ApiRequest, call: Call, stop: AbortSignal) => Promise<DecodedPage>

type Call = (request: ApiRequest) => Promise<JudgedAnswer>

interface SessionParts {
  readonly caller: HttpCaller
  readonly base: URL
  readonly clock: Clock
  readonly accounts: RefusedAccounts
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
        : { kind: 'accepted', result: pageOf(judged) }
    }
    return accounts.logIn({ server: base.origin, account: () => account, isEachCall: true, exchange }, stop)
  }
}

interface LoginSession {
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

  const logIn = (stop: AbortSignal) => {
    const exchange = async ({ user, password }: Account): Promise<LoginOutcome<LoginSession>> => {
      // With POST, the password stays out of URLs and logs. The caller keeps the cookies.
      const request = apiCall({ base, method: 'POST', name: 'ACL.Login' }, [
        ['user', user],
        ['password', password],
      ])
      const outcome = judgeLogin(await caller.call(request, stop), config)
      if (outcome.kind === 'refused') return outcome
      return { ...outcome, result: { token: outcome.result, loggedInAt: clock.monotonic(), hasReturnedPage: false } }
    }
    return accounts.logIn({ server: base.origin, account: () => account, isEachCall: false, exchange }, stop)
  }
  return async (request, call, stop) => {
    const send = async () => {
      loggedIn ??= await logIn(stop)
      const session = loggedIn
      const { token } = session
      const judged = await call(
        config === undefined || token === undefined ? request : withToken(request, token, config.sendAs),
      )
      session.hasReturnedPage ||= judged.kind === 'page'
      return judged
    }
    const former = loggedIn
    const first = await send()
    if (first.kind === 'page' || former === undefined) return pageOf(first)
    const isDenied = first.kind !== 'no-page' && former.hasReturnedPage
    if (!isDenied && clock.monotonic() - former.loggedInAt <= YOUNG_MS) return pageOf(first)
    loggedIn = undefined
    return pageOf(await send())
  }
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
