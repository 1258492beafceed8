import type { Clock } from '../../../runtime/clock.ts'
import type { ConnectorError } from '../../../runtime/connector-error.ts'
import type { NoPage } from '../answer/answer-verdict.ts'
import type { HttpCaller } from '../http/http-caller.ts'
import { type ApiRequest, apiCall } from '../http/read-request.ts'
import type { AuthConfig, TokenConfig } from '../polaris-config.ts'
import { judgeLogin, REFUSED_MS } from './login-verdict.ts'
import type { Account, LoginOutcome, RefusedAccounts } from './refused-accounts.ts'

/** The outcome of a call: a result, or why there is none, which may be that there is no session. */
export type Attempt<Answer> = { readonly kind: 'answered'; readonly answer: Answer } | NoPage

/** An older session may have expired if an answer is no page. */
const YOUNG_MS = 60_000

/**
 * Makes a call with the configured account, after a login if needed. If the session may have expired, logs in once more
 * and then gives up. Does not use an account that the server refused until `RefusedAccounts` allows it.
 */
export type Send = <Answer>(
  request: ApiRequest,
  call: (request: ApiRequest) => Promise<Attempt<Answer>>,
  stop: AbortSignal,
) => Promise<Answer>

interface SessionParts {
  readonly caller: HttpCaller
  readonly base: URL
  readonly clock: Clock
  readonly accounts: RefusedAccounts
}

export function openSession(auth: AuthConfig, parts: SessionParts): Send {
  switch (auth.kind) {
    case 'none':
      return async (request, call) => answerOf(await call(request))
    case 'basic':
      return basicSend(auth.account, parts)
    case 'login':
      return loginSend(auth, parts)
  }
}

function answerOf<Answer>(attempt: Attempt<Answer>): Answer {
  if (attempt.kind === 'answered') return attempt.answer
  throw attempt.error
}

/** Every call carries the credentials, so every call counts as a login. */
function basicSend(account: Account, { accounts, base }: SessionParts): Send {
  return <Answer>(
    request: ApiRequest,
    call: (request: ApiRequest) => Promise<Attempt<Answer>>,
    stop: AbortSignal,
  ): Promise<Answer> => {
    const exchange = async (now: Account): Promise<LoginOutcome<Answer>> => {
      const attempt = await call(withBasic(request, now))
      return attempt.kind === 'refused' ? refused(attempt.error) : { kind: 'accepted', result: answerOf(attempt) }
    }
    return accounts.logIn({ server: base.origin, account, exchange }, stop)
  }
}

const refused = (error: ConnectorError, againAfterMs = REFUSED_MS) =>
  ({ kind: 'refused', error, againAfterMs }) as const

interface LoggedIn {
  readonly token: string | undefined
  /** By the monotonic clock. */
  readonly at: number
}

function loginSend({ account, token: config }: Extract<AuthConfig, { kind: 'login' }>, parts: SessionParts): Send {
  const { accounts, base, clock, caller } = parts
  let loggedIn: LoggedIn | undefined

  const logIn = (stop: AbortSignal) => {
    const exchange = async ({ user, password }: Account): Promise<LoginOutcome<LoggedIn>> => {
      // By POST: the password stays out of URLs and logs. The caller keeps the cookies.
      const request = apiCall({ base, method: 'POST', name: 'ACL.Login' }, [
        ['user', user],
        ['password', password],
      ])
      const verdict = judgeLogin(await caller.call(request, stop), config, clock.now())
      if (verdict.kind === 'failed') throw verdict.error
      return verdict.kind === 'refused'
        ? refused(verdict.error, verdict.againAfterMs)
        : { kind: 'accepted', result: { token: verdict.token, at: clock.monotonic() } }
    }
    return accounts.logIn({ server: base.origin, account, exchange }, stop)
  }
  return async (request, call, stop) => {
    const send = async () => {
      loggedIn ??= await logIn(stop)
      const { token } = loggedIn
      return await call(
        config === undefined || token === undefined ? request : withToken(request, token, config.sendAs),
      )
    }
    const former = loggedIn
    const first = await send()
    const mayHaveExpired = first.kind !== 'no-page' || (former && clock.monotonic() - former.at > YOUNG_MS)
    if (first.kind === 'answered' || former === undefined || !mayHaveExpired) return answerOf(first)
    loggedIn = undefined
    return answerOf(await send())
  }
}

function withBasic(request: ApiRequest, { user, password }: Account): ApiRequest {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  return { ...request, headers: { ...request.headers, authorization } }
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
