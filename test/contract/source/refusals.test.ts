import { describe, expect, it } from 'vitest'
import type { AuthConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { EMPTY_PAGE, readOnce, testSource } from '../../support/one-read.ts'
import { type ScriptedCall, scriptedServer } from '../../support/servers/scripted-http.ts'

const account = { user: 'utilisateur-4711', password: 'motdepasse-4711' }
const auths: Readonly<Record<AuthConfig['kind'], AuthConfig>> = {
  none: { kind: 'none' },
  basic: { kind: 'basic', account },
  login: { kind: 'login', account },
}
const isLogin = ({ url }: ScriptedCall) => url.pathname.endsWith('/ACL.Login')

describe('a 401', () => {
  const refusing = (offers: readonly string[]) =>
    scriptedServer((_, response) => void response.writeHead(401, { 'www-authenticate': [...offers] }).end())

  it.each(['none', 'basic', 'login'] as const)(
    'that offers Negotiate and NTLM names both, with auth %s',
    async (kind) => {
      await using server = await refusing(['Negotiate', 'NTLM'])
      expect(await readOnce({ url: server.url, auth: auths[kind] })).toMatch(
        /^source\.unauthorized: .*it offers Negotiate, NTLM, and the connector needs Basic or anonymous access for \/core\/api\//,
      )
    },
  )

  it.each(['Digest realm="polaris", nonce="x", qop="auth"', 'Bearer error="invalid_token"'])(
    'that offers %s names it, without its parameters',
    async (offer) => {
      await using server = await refusing([offer])
      const error = await readOnce({ url: server.url })
      expect(error).toContain(`it offers ${offer.split(' ')[0]}, and`)
      expect(error).not.toMatch(/realm|token/)
    },
  )

  it.each([
    ['Basic realm="polaris"', 'POLARIS_AUTH is none; it offers Basic ('],
    [undefined, 'POLARIS_AUTH is none ('],
  ])('that offers %s names no user with auth none', async (offer, expected) => {
    await using server = await refusing(offer === undefined ? [] : [offer])
    const error = await readOnce({ url: server.url })
    expect(error).toMatch(/^source\.unauthorized: .*POLARIS_AUTH is none/)
    expect(error).toContain(expected)
    expect(error).not.toMatch(/\buser\b/)
  })

  it('with Bearer ends a session whose calls carry a Bearer token: the next read logs in again', async () => {
    const token = {
      from: { kind: 'text' },
      sendAs: { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
    } as const
    let isExpired = false
    await using server = await scriptedServer((call, response) => {
      const isRefused = !isLogin(call) && isExpired
      if (isLogin(call)) isExpired = false
      response
        .writeHead(isRefused ? 401 : 200, { 'www-authenticate': 'Bearer' })
        .end(isLogin(call) ? 'abc' : EMPTY_PAGE)
    })
    await using source = testSource({
      url: server.url,
      auth: { kind: 'login', account, token },
    })
    await source.read()
    isExpired = true
    expect(await source.read()).toBe('a page with 0 clients')
  })
})

describe('a fault', () => {
  const failing = (status: number, body: string) =>
    scriptedServer((_, response) => void response.writeHead(status, { 'content-type': 'text/xml' }).end(body))
  const fault =
    '<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>Dupont</faultstring></s:Fault></s:Body></s:Envelope>'
  const timeout = '<Error><Message>Dupont</Message><ExceptionType>System.TimeoutException</ExceptionType></Error>'

  it.each([
    [500, fault, /^source\.server-error: .*: s:Client$/],
    [200, fault, /^source\.error-document: .*: s:Client$/],
    [500, timeout, /^source\.server-error: .*: System\.TimeoutException$/],
    [200, timeout, /^source\.error-document: .*: System\.TimeoutException$/],
    [400, timeout, /^source\.request-refused: .*: System\.TimeoutException$/],
    [
      500,
      '{"ExceptionType":"System.ArgumentException","Message":"Dupont"}',
      /^source\.server-error: .*: System\.ArgumentException$/,
    ],
  ])('with status %i is named in the error, without its text: %s', async (status, body, expected) => {
    await using server = await failing(status, body)
    const error = await readOnce({ url: server.url })
    expect(error).toMatch(expected)
    expect(error).not.toContain('Dupont')
  })
})

describe('a hostile answer to a login', () => {
  const MB = 1024 * 1024
  it.each([
    ['a name of an error without end', `{"${'error'.repeat(MB / 5)}`],
    ['blanks', ' '.repeat(16 * MB)],
    ['elements', `<r>${'<a/>'.repeat(MB)}`],
    ['nesting', '[1,'.repeat(MB)],
  ])('does not stop the event loop: %s', async (_, body) => {
    await using server = await scriptedServer((call, response) => void response.end(isLogin(call) ? body : EMPTY_PAGE))
    const longest = await longestPause(() => readOnce({ url: server.url, auth: auths.login }))
    expect(longest).toBeLessThan(1_500)
  })
})

/** The longest time in milliseconds for which nothing else could run. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now()
  let longest = 0
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(look, 10)
  try {
    await work()
    return longest
  } finally {
    clearInterval(timer)
  }
}
