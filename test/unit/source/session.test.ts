import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { HttpAnswer } from '../../../connector/source/http-caller.ts'
import type { AuthConfig, TokenConfig } from '../../../connector/source/polaris-config.ts'
import type { ApiRequest } from '../../../connector/source/read-request.ts'
import { type Attempt, openSession } from '../../../connector/source/session.ts'

const base = new URL('http://h/core/api/')
const request: ApiRequest = { method: 'GET', url: new URL('http://h/core/api/Client.GetClientsModified?a=1') }
const never = new AbortController().signal
const loggedOut: Attempt<string> = {
  kind: 'logged-out',
  error: new ConnectorError('source.unauthorized', 'no session'),
}
const fine: Attempt<string> = { kind: 'answered', answer: 'page' }

const answer = (status: number, text = ''): HttpAnswer => ({
  status,
  body: Buffer.from(text),
  contentType: 'text/xml',
  retryAfter: undefined,
  serverTime: undefined,
  tookMs: 1,
  hasLostArguments: false,
})

/** A session over a server that gives these answers to logins, and these to calls. */
function scripted(auth: AuthConfig, logins: HttpAnswer[], calls: Attempt<string>[]) {
  const loginRequests: ApiRequest[] = []
  const callRequests: ApiRequest[] = []
  const caller = {
    call: async (login: ApiRequest) => {
      loginRequests.push(login)
      return logins[Math.min(loginRequests.length, logins.length) - 1] ?? answer(500)
    },
    close: async () => undefined,
  }
  const session = openSession(auth, { caller, base, clock: systemClock })
  const send = () =>
    session.send(
      request,
      async (call) => {
        callRequests.push(call)
        return calls[callRequests.length - 1] ?? fine
      },
      never,
    )
  return { send, loginRequests, callRequests }
}

const login = (token?: TokenConfig, method: 'GET' | 'POST' = 'POST'): AuthConfig => ({
  kind: 'login',
  user: 'bob',
  password: 'p w+d',
  login: { method, token },
})
const failure = (code: string) => expect.objectContaining({ code })

describe('openSession with a login', () => {
  it('logs in once, before the first call', async () => {
    const { send, loginRequests } = scripted(login(), [answer(200)], [])
    expect([await send(), await send()]).toEqual(['page', 'page'])
    expect(loginRequests).toEqual([
      { method: 'POST', url: new URL('http://h/core/api/ACL.Login'), form: 'user=bob&password=p%20w%2Bd' },
    ])
  })

  it('can log in by GET', async () => {
    const { send, loginRequests } = scripted(login(undefined, 'GET'), [answer(200)], [])
    await send()
    expect(loginRequests.map(({ url }) => url.href)).toEqual([
      'http://h/core/api/ACL.Login?user=bob&password=p%20w%2Bd',
    ])
  })

  it('logs in again once when the session is over, and makes the same call', async () => {
    const { send, loginRequests, callRequests } = scripted(login(), [answer(200)], [fine, loggedOut])
    expect([await send(), await send()]).toEqual(['page', 'page'])
    expect([loginRequests.length, callRequests.length]).toEqual([2, 3])
  })

  it('logs in again in a later read that finds the session over once more', async () => {
    const { send, loginRequests } = scripted(login(), [answer(200)], [fine, loggedOut, fine, loggedOut, fine])
    await send()
    await send()
    expect([await send(), loginRequests.length]).toEqual(['page', 3])
  })

  it('stops when a fresh login does not help, and does not try again in later reads', async () => {
    const { send, loginRequests, callRequests } = scripted(login(), [answer(200)], [fine, loggedOut, loggedOut])
    await send()
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    expect([loginRequests.length, callRequests.length]).toEqual([2, 3])
  })

  it('stops at once when the very first call after a login finds no session', async () => {
    const { send, loginRequests } = scripted(login(), [answer(200)], [loggedOut])
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    expect(loginRequests).toHaveLength(1)
  })

  it.each([
    ['401', answer(401)],
    ['403', answer(403)],
    ['400', answer(400)],
    ['500 about the password', answer(500, 'Mot de passe incorrect')],
    ['false', answer(200, '<boolean>false</boolean>')],
    ['false in JSON', answer(200, 'false')],
    ['an error document', answer(200, '<?xml version="1.0"?><Erreur>x</Erreur>')],
    ['a login page', answer(200, '<html><input type=password></html>')],
  ])('tries bad credentials once only, where the server says so by %s', async (_, refusal) => {
    const { send, loginRequests, callRequests } = scripted(login(), [refusal], [])
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    expect([loginRequests.length, callRequests.length]).toEqual([1, 0])
  })

  it('logs in again once for a message that looks like the end of the session, then takes it for what else it may be', async () => {
    const message: Attempt<string> = {
      kind: 'logged-out',
      error: new ConnectorError('source.error-document', 'session?'),
    }
    const { send, loginRequests } = scripted(
      login(),
      [answer(200)],
      [fine, message, message, message, message, fine, message, fine],
    )
    await send()
    for (let read = 0; read < 3; read++) await expect(send()).rejects.toEqual(failure('source.error-document'))
    expect(loginRequests).toHaveLength(2)
    await send()
    expect([await send(), loginRequests.length]).toEqual(['page', 3])
  })

  it('tries a login again that failed for another reason', async () => {
    const { send, loginRequests } = scripted(login(), [answer(503), answer(500, 'disk full'), answer(200)], [])
    await expect(send()).rejects.toEqual(failure('source.server-error'))
    await expect(send()).rejects.toEqual(failure('source.server-error'))
    expect([await send(), loginRequests.length]).toEqual(['page', 3])
  })

  it('says that the login is missing on the server, without a word of the password', async () => {
    const { send } = scripted(login(undefined, 'GET'), [answer(404)], [])
    const error = await send().catch((caught: unknown) => caught)
    expect(error).toEqual(failure('source.function-missing'))
    expect(String(error)).toContain('ACL.Login')
    expect(String(error) + JSON.stringify(error)).not.toMatch(/bob|p w/)
  })
})

describe('openSession with a token', () => {
  const query = { kind: 'query', name: 'session' } as const
  it.each<[string, string, TokenConfig['from'], string]>([
    ['a field', '<LoginResult><Token>a+b</Token></LoginResult>', { kind: 'field', path: 'token' }, 'a+b'],
    [
      'a dotted path',
      '{"d":{"Session":{"Id":12345678901234567890}}}',
      { kind: 'field', path: 'Session.Id' },
      '12345678901234567890',
    ],
    ['the root', '<string>abc</string>', { kind: 'field', path: 'string' }, 'abc'],
    ['an attribute', '<Login token="abc"/>', { kind: 'field', path: 'token' }, 'abc'],
    ['a pattern', 'session=abc; ok', { kind: 'pattern', pattern: 'session=(\\w+)' }, 'abc'],
    ['plain text', ' abc\n', { kind: 'text' }, 'abc'],
    ['a text in XML', '<string xmlns="x">abc</string>', { kind: 'text' }, 'abc'],
    ['a text in JSON', '"abc"', { kind: 'text' }, 'abc'],
  ])('takes it from %s and sends it in the query', async (_, text, from, token) => {
    const { send, callRequests } = scripted(login({ from, sendAs: query }), [answer(200, text)], [])
    await send()
    expect(callRequests.map(({ url }) => url.searchParams.get('session'))).toEqual([token])
    expect(callRequests[0]?.url.searchParams.get('a')).toBe('1')
  })

  it('sends it as a header with a prefix, and a new one after a new login', async () => {
    const token: TokenConfig = {
      from: { kind: 'text' },
      sendAs: { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
    }
    const { send, callRequests } = scripted(login(token), [answer(200, 'one'), answer(200, 'two')], [fine, loggedOut])
    await send()
    await send()
    expect(callRequests.map(({ headers }) => headers?.authorization)).toEqual([
      'Bearer one',
      'Bearer one',
      'Bearer two',
    ])
  })

  it.each(['<LoginResult/>', '<LoginResult><Token/></LoginResult>', 'DUPONT', '<Token>é\nb</Token>'])(
    'stops when the answer has none: %s',
    async (text) => {
      const { send } = scripted(
        login({ from: { kind: 'field', path: 'Token' }, sendAs: query }),
        [answer(200, text)],
        [],
      )
      await expect(send()).rejects.toEqual(failure('source.unauthorized'))
    },
  )
})

describe('openSession without a login', () => {
  it('sends user and password with every call, by Basic', async () => {
    const { send, callRequests } = scripted({ kind: 'basic', user: 'zoé', password: 'p:w' }, [], [])
    await send()
    expect(callRequests[0]?.headers).toEqual({ authorization: `Basic ${Buffer.from('zoé:p:w').toString('base64')}` })
  })

  it.each<AuthConfig>([{ kind: 'none' }, { kind: 'basic', user: 'u', password: 'p' }])(
    'stops where %o is not enough',
    async (auth) => {
      const { send, callRequests } = scripted(auth, [], [loggedOut])
      await expect(send()).rejects.toEqual(failure('source.unauthorized'))
      await expect(send()).rejects.toEqual(failure('source.unauthorized'))
      expect(callRequests).toHaveLength(1)
    },
  )
})
