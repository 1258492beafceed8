import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../../../connector/runtime/connector-error.ts'
import type { JudgedAnswer } from '../../../../../connector/source/polaris/answer/answer-verdict.ts'
import type { HttpAnswer } from '../../../../../connector/source/polaris/http/http-caller.ts'
import type { ApiRequest } from '../../../../../connector/source/polaris/http/read-request.ts'
import type { AuthConfig, TokenConfig } from '../../../../../connector/source/polaris/polaris-config.ts'
import { accountGates } from '../../../../../connector/source/polaris/session/account-gate.ts'
import { openSession } from '../../../../../connector/source/polaris/session/session.ts'
import { virtualClock } from '../../../../support/fakes/virtual-clock.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'
import { never } from '../../../../support/signals.ts'

// A server is scripted by its answers to logins and to calls, and its requests are compared.

const base = new URL('http://h/core/api/')
const request: ApiRequest = { method: 'GET', url: new URL('http://h/core/api/Client.GetClientsModified?a=1') }
const page = {
  clients: [],
  hasMoreResults: false,
  checkPoint: null,
  serverTime: undefined,
  tookMs: 1,
  bytes: 1,
  replacedCharacters: 0,
}
const loggedOut: JudgedAnswer = {
  kind: 'refused',
  error: new ConnectorError('source.unauthorized', 'no session'),
}
const fine: JudgedAnswer = { kind: 'page', page }

/** A session with a server that gives these responses to logins and to calls. */
function scripted(auth: AuthConfig, logins: HttpAnswer[], calls: JudgedAnswer[]) {
  const loginRequests: ApiRequest[] = []
  const callRequests: ApiRequest[] = []
  const caller = {
    call: async (login: ApiRequest) => {
      loginRequests.push(login)
      return logins[Math.min(loginRequests.length, logins.length) - 1] ?? httpAnswer(500)
    },
    close: async () => undefined,
  }
  const clock = virtualClock(0)
  const sendWith = openSession(auth, { caller, base, clock, accounts: accountGates(clock)() })
  const send = () =>
    sendWith(
      request,
      async (call) => {
        callRequests.push(call)
        return calls[callRequests.length - 1] ?? fine
      },
      never,
    )
  return { send, clock, loginRequests, callRequests }
}

const login = (token?: TokenConfig): AuthConfig => ({
  kind: 'login',
  account: { user: 'bob', password: 'p w+d' },
  token,
})
const failure = (code: string) => expect.objectContaining({ code })
const unauthorized = { code: 'source.unauthorized' }

describe('openSession with a login', () => {
  test('logs in once, before the first call', async () => {
    const { send, loginRequests } = scripted(login(), [httpAnswer(200)], [])
    expect([await send(), await send()]).toEqual([page, page])
    expect(loginRequests).toEqual([
      { method: 'POST', url: new URL('http://h/core/api/ACL.Login'), form: 'user=bob&password=p%20w%2Bd' },
    ])
  })

  test('counts an account as refused for 30 minutes when the first call after its login is denied', async () => {
    const denied = [loggedOut, loggedOut]
    const { send, clock, loginRequests, callRequests } = scripted(login(), [httpAnswer(200, 'null')], denied)
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    await clock.advance(30 * 60_000 - 1)
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    expect([loginRequests.length, callRequests.length]).toEqual([1, 1])
    await clock.advance(1)
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    expect([loginRequests.length, callRequests.length]).toEqual([2, 2])
  })

  test('logs in again once and repeats the call when the session has expired', async () => {
    const { send, loginRequests, callRequests } = scripted(login(), [httpAnswer(200)], [fine, loggedOut])
    expect([await send(), await send()]).toEqual([page, page])
    expect([loginRequests.length, callRequests.length]).toEqual([2, 3])
  })

  test('gives up when a new login does not help, and uses the session when a later call succeeds', async () => {
    const { send, loginRequests, callRequests } = scripted(login(), [httpAnswer(200)], [fine, loggedOut, loggedOut])
    await send()
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    expect([loginRequests.length, callRequests.length]).toEqual([2, 3])
    expect([await send(), loginRequests.length]).toEqual([page, 2])
  })

  test('tries a login that may have failed because of the password again after 5 minutes', async () => {
    const { send, loginRequests, clock } = scripted(login(), [httpAnswer(500), httpAnswer(200)], [])
    for (const _attempt of [1, 2]) await expect(send()).rejects.toMatchObject({ code: 'source.server-error' })
    expect(loginRequests).toHaveLength(1)
    clock.pass(5 * 60_000)
    expect([await send(), loginRequests.length]).toEqual([page, 2])
  })

  test('logs in again when an answer is no page, but only on a session older than a minute', async () => {
    const noPage: JudgedAnswer = { kind: 'no-page', error: new ConnectorError('source.error-document', 'session?') }
    const { send, clock, loginRequests } = scripted(
      login(),
      [httpAnswer(200)],
      [fine, noPage, noPage, fine, noPage, noPage],
    )
    await send()
    await expect(send()).rejects.toEqual(failure('source.error-document'))
    expect(loginRequests).toHaveLength(1)
    clock.pass(60_001)
    expect([await send(), loginRequests.length]).toEqual([page, 2])
    await expect(send()).rejects.toEqual(failure('source.error-document'))
    expect(loginRequests).toHaveLength(2)
  })

  test('logs in again after 30 minutes when a session has never returned a page, nor was denied', async () => {
    const noPage: JudgedAnswer = { kind: 'no-page', error: new ConnectorError('source.error-document', 'no user?') }
    const { send, clock, loginRequests } = scripted(login(), [httpAnswer(200, 'KO')], Array(40).fill(noPage))
    const loginsAt: number[] = []
    for (let minute = 0; minute <= 32; minute += 1) {
      const before = loginRequests.length
      await expect(send()).rejects.toEqual(failure('source.error-document'))
      if (loginRequests.length > before) loginsAt.push(minute)
      clock.pass(60_000)
    }
    expect(loginsAt).toEqual([0, 31])
  })

  test('logs in again after a minute when a session has never returned a page, but the account is proved', async () => {
    const noPage: JudgedAnswer = { kind: 'no-page', error: new ConnectorError('source.error-document', 'session?') }
    const { send, clock, loginRequests } = scripted(login(), [httpAnswer(200)], [fine, noPage, noPage, noPage])
    await send()
    clock.pass(60_001)
    await expect(send()).rejects.toEqual(failure('source.error-document'))
    clock.pass(60_001)
    expect([await send(), loginRequests.length]).toEqual([page, 3])
  })

  test('logs in once more when a session that no page has proved is denied later: it may have expired', async () => {
    const unavailable: JudgedAnswer = { kind: 'no-page', error: new ConnectorError('source.server-error', '503') }
    const { send, clock, loginRequests } = scripted(login(), [httpAnswer(200)], [unavailable, loggedOut, fine])
    await expect(send()).rejects.toEqual(failure('source.server-error'))
    clock.pass(60_001)
    expect([await send(), loginRequests.length]).toEqual([page, 2])
  })

  test('logs in with a new password in place of a session that no page has proved', async () => {
    const account = { user: 'bob', password: 'old' }
    const unavailable: JudgedAnswer = { kind: 'no-page', error: new ConnectorError('source.server-error', '503') }
    const { send, loginRequests } = scripted({ kind: 'login', account }, [httpAnswer(200)], [unavailable])
    await expect(send()).rejects.toEqual(failure('source.server-error'))
    account.password = 'new'
    await send()
    expect(loginRequests.map(({ form }) => form)).toEqual(['user=bob&password=old', 'user=bob&password=new'])
  })

  test('retries a login that failed for another reason', async () => {
    const { send, loginRequests } = scripted(login(), [httpAnswer(503), httpAnswer(502), httpAnswer(200)], [])
    await expect(send()).rejects.toEqual(failure('source.server-error'))
    await expect(send()).rejects.toEqual(failure('source.server-error'))
    expect([await send(), loginRequests.length]).toEqual([page, 3])
  })
})

describe('openSession with a token', () => {
  const query = { kind: 'query', name: 'session' } as const
  test.each<[string, string, TokenConfig['from'], string]>([
    ['a field', '<LoginResult><Token>a+b</Token></LoginResult>', { kind: 'field', path: 'token' }, 'a+b'],
    [
      'a dotted path',
      '{"d":{"Session":{"Id":12345678901234567890}}}',
      { kind: 'field', path: 'Session.Id' },
      '12345678901234567890',
    ],
    ['a pattern', 'session=abc; ok', { kind: 'pattern', pattern: 'session=(\\w+)' }, 'abc'],
    ['text in XML', '<string xmlns="x">abc</string>', { kind: 'text' }, 'abc'],
  ])('reads it from %s and sends it in the query', async (_, text, from, token) => {
    const { send, callRequests } = scripted(login({ from, sendAs: query }), [httpAnswer(200, text)], [])
    await send()
    expect(callRequests.map(({ url }) => url.searchParams.get('session'))).toEqual([token])
    expect(callRequests[0]?.url.searchParams.get('a')).toBe('1')
  })

  test('sends it as a header with a prefix, and the new one after a new login', async () => {
    const token: TokenConfig = {
      from: { kind: 'text' },
      sendAs: { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
    }
    const { send, callRequests } = scripted(
      login(token),
      [httpAnswer(200, 'one'), httpAnswer(200, 'two')],
      [fine, loggedOut],
    )
    await send()
    await send()
    expect(callRequests.map(({ headers }) => headers?.authorization)).toEqual([
      'Bearer one',
      'Bearer one',
      'Bearer two',
    ])
  })
})

describe('openSession without a login', () => {
  test('sends user and password with every call with Basic authentication', async () => {
    const { send, callRequests } = scripted({ kind: 'basic', account: { user: 'zoé', password: 'p:w' } }, [], [])
    await send()
    expect(callRequests[0]?.headers).toEqual({ authorization: `Basic ${Buffer.from('zoé:p:w').toString('base64')}` })
  })

  test('makes no call with a refused account for 30 minutes', async () => {
    const auth: AuthConfig = { kind: 'basic', account: { user: 'u', password: 'p' } }
    const { send, callRequests, clock } = scripted(auth, [], [loggedOut])
    for (const _attempt of [1, 2]) await expect(send()).rejects.toMatchObject(unauthorized)
    expect(callRequests).toHaveLength(1)
    clock.jump(30 * 60_000)
    expect(await send()).toBe(page)
  })

  test('does not take a login page for a refused account with Basic authentication', async () => {
    const auth: AuthConfig = { kind: 'basic', account: { user: 'u', password: 'p' } }
    const loginPage: JudgedAnswer = { kind: 'no-session', error: new ConnectorError('source.unauthorized', 'x') }
    const { send } = scripted(auth, [], [loginPage])
    await expect(send()).rejects.toMatchObject(unauthorized)
    expect(await send()).toBe(page)
  })

  test('never blocks calls when no account is configured', async () => {
    const { send } = scripted({ kind: 'none' }, [], [loggedOut])
    await expect(send()).rejects.toMatchObject(unauthorized)
    expect(await send()).toBe(page)
  })
})
