import { describe, expect, it } from 'vitest'
import type { AuthConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { EMPTY_PAGE, readOnce, testSource } from '../../support/one-read.ts'
import { type ScriptedCall, scriptedServer } from '../../support/servers/scripted-http.ts'

const account = { user: 'utilisateur-4711', password: 'motdepasse-4711' }
const auth: AuthConfig = { kind: 'login', account, login: {} }
const isLogin = ({ url }: ScriptedCall) => url.pathname.endsWith('/ACL.Login')
const HOUR = 3_600_000

/** A server whose login sets this cookie, and which refuses calls without it. */
const loginSetting = (cookie: string, headers: Readonly<Record<string, string>> = {}) =>
  scriptedServer((call, response) => {
    if (isLogin(call)) response.writeHead(200, { 'set-cookie': cookie, ...headers }).end('true')
    else response.writeHead(call.headers.cookie?.includes('S=secret-4711') ? 200 : 401).end(EMPTY_PAGE)
  })

describe('the cookie of a login', () => {
  it.each([
    ['behind', -HOUR],
    ['ahead', HOUR],
  ])('expires by the clock of the server, which is an hour %s', async (_, off) => {
    const date = (ms: number) => new Date(Date.now() + off + ms).toUTCString()
    await using server = await loginSetting(`S=secret-4711; Path=/; Expires=${date(HOUR / 3)}`, { date: date(0) })
    expect(await readOnce({ url: server.url, auth })).toBe('a page with 0 clients')
    await using late = await loginSetting(`S=secret-4711; Path=/; Expires=${date(-120_000)}`, { date: date(0) })
    expect(await readOnce({ url: late.url, auth })).toMatch(
      /S \(it had expired 1\d\d s before, by the clock of the server\)/,
    )
  })

  it.each([
    ['S=secret-4711; Domain=magasin.local; Path=/', 'S (it is for the domain magasin.local)'],
    ['S=secret-4711; Path=/admin', 'S (it is for the path /admin)'],
    [`S=secret-4711${'x'.repeat(5000)}; Path=/`, 'S (it is longer than 4096 bytes)'],
    ['__Host-S=secret-4711; Path=/', '__Host-S (it is not valid)'],
    ['zoe@exemple.fr=secret-4711; Domain=a@b.fr', '(not shown) (it is for the domain (not shown))'],
  ])('that calls do not send is named: %s', async (cookie, expected) => {
    await using server = await loginSetting(cookie)
    const error = await readOnce({ url: server.url, auth })
    expect(error).toMatch(/^source\.unauthorized: /)
    expect(error).toContain(`the login succeeded, but calls do not send its cookie ${expected}`)
    // Invariant 8: no secret in an error.
    expect(error).not.toMatch(/secret|exemple/)
  })

  it('is named also if it was set by a redirect of the login', async () => {
    await using server = await scriptedServer((call, response) => {
      if (isLogin(call)) response.writeHead(302, { location: '/home', 'set-cookie': 'S=1; Path=/admin' }).end()
      else response.writeHead(call.url.pathname === '/home' ? 200 : 401).end('welcome')
    })
    expect(await readOnce({ url: server.url, auth })).toContain('its cookie S (it is for the path /admin)')
  })

  it('is not named if it only deletes another one', async () => {
    await using server = await loginSetting('old=; Path=/; Expires=Tue, 12 Oct 1999 00:00:00 GMT')
    expect(await readOnce({ url: server.url, auth })).not.toContain('the login succeeded')
  })
})

it('keeps at most 50 cookies, the newest', async () => {
  let count = 0
  await using server = await scriptedServer((_, response) => {
    const names = Array.from({ length: 30 }, () => `c${count++}=1; Path=/`)
    response.setHeader('set-cookie', names).end(EMPTY_PAGE)
  })
  await using source = testSource({ url: server.url })
  for (const _read of [1, 2, 3, 4]) await source.read()
  const sent = server.calls.at(-1)?.headers.cookie?.split('; ') ?? []
  expect([sent.length, sent.includes('c39=1'), sent.includes('c40=1'), sent.includes('c89=1')]).toEqual([
    50,
    false,
    true,
    true,
  ])
})

it('lets a cookie end after its Max-Age, also while it is used', async () => {
  const tooLate = AbortSignal.timeout(10_000)
  let isSet = false
  await using server = await scriptedServer((_, response) => {
    if (!isSet) response.setHeader('set-cookie', 'a=1; Path=/; Max-Age=1')
    isSet = true
    response.end(EMPTY_PAGE)
  })
  await using source = testSource({ url: server.url })
  await source.read()
  const isSent = () => server.calls.at(-1)?.headers.cookie === 'a=1'
  do await source.read()
  while (isSent() && !tooLate.aborted)
  expect(tooLate.aborted).toBe(false)
})
