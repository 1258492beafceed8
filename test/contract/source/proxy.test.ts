import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { accountGates } from '../../../connector/source/polaris/session/account-gate.ts'
import { EMPTY_PAGE, readOnce, testSource } from '../../support/one-read.ts'
import { forwardProxy } from '../../support/servers/forward-proxy.ts'
import { freePort } from '../../support/servers/free-port.ts'
import { type LoneCertificate, loneCertificate } from '../../support/servers/lone-certificate.ts'
import { pemCertificates } from '../../support/servers/pem-certificates.ts'
import { type ScriptedServer, scriptedServer } from '../../support/servers/scripted-http.ts'

// The source reads through a real proxy that opens tunnels, refuses them, or cuts them.

const { ca, server: certified } = pemCertificates()
const accepted = 'a page with 0 clients'
const password = 'pass%40word:1' // `pass@word:1`, percent-encoded
const plainPassword = 'pass@word:1'

let own: LoneCertificate
let pinned: ScriptedServer
let plain: ScriptedServer

beforeAll(async () => {
  own = loneCertificate('20200101', '20991231')
  pinned = await scriptedServer((_, response) => void response.end(EMPTY_PAGE), own)
  plain = await scriptedServer((_, response) => void response.end(EMPTY_PAGE))
})
afterAll(async () => {
  await pinned[Symbol.asyncDispose]()
  await plain[Symbol.asyncDispose]()
})

const tls = () => ({ fingerprints: [own.fingerprint] })

describe('a server with https', () => {
  test('is reached through a tunnel, with the pinned certificate, over one connection', async () => {
    await using proxy = await forwardProxy()
    await using source = testSource({ url: pinned.url, tls: tls(), proxy: { url: `http://${proxy.host}` } })
    expect([await source.read(), await source.read()]).toEqual([accepted, accepted])
    expect(proxy.requests).toEqual([`CONNECT ${pinned.url.replace('https://', '')}`])
  })

  test('is not trusted in a tunnel with another certificate: nothing is sent', async () => {
    await using proxy = await forwardProxy()
    const before = pinned.calls.length
    const read = { url: pinned.url, proxy: { url: `http://${proxy.host}` } }
    expect(await readOnce({ ...read, tls: { fingerprints: ['ab'.repeat(32)] } })).toMatch(/^source\.certificate: /)
    expect(await readOnce(read)).toMatch(/^source\.certificate: /)
    expect(pinned.calls).toHaveLength(before)
  })

  test('is reached through a proxy that has https itself, with a certificate of the configured CA', async () => {
    await using proxy = await forwardProxy({}, certified)
    await using server = await scriptedServer((_, response) => void response.end(EMPTY_PAGE), certified)
    const read = { url: server.url, proxy: { url: `https://${proxy.host}` } }
    expect(await readOnce({ ...read, tls: { ca } })).toBe(accepted)
    expect(await readOnce(read)).toMatch(/^source\.unreachable: .*UNABLE_TO_VERIFY/)
  })
})

describe('a server with http', () => {
  test('is reached through a tunnel too, without the credentials of the proxy', async () => {
    await using proxy = await forwardProxy({ credentials: `user:${plainPassword}` })
    const url = `http://user:${password}@${proxy.host}`
    await using source = testSource({ url: plain.url, proxy: { url } })
    expect([await source.read(), await source.read()]).toEqual([accepted, accepted])
    expect(proxy.requests).toEqual([`CONNECT ${plain.url.replace('http://', '')}`])
    expect(JSON.stringify(plain.calls.at(-1)?.headers)).not.toContain('proxy-authorization')
  })
})

describe('a proxy', () => {
  test.each([
    [{ credentials: `user:${plainPassword}` }, accepted],
    [{ credentials: 'user:other' }, /^source\.proxy-refused: .*user and password.* \(status 407\)/],
    [{ refuseWith: 403 }, /^source\.proxy-refused: .*does not allow the server \(status 403\)/],
    [{ refuseWith: 503 }, /^source\.unreachable: .*cannot reach the server \(status 503\)/],
    [{ isSilent: true }, /^source\.unreachable: .*ETIMEDOUT/],
  ])('that follows the rules %j is reported with its address, never with its credentials', async (rules, expected) => {
    await using proxy = await forwardProxy(rules)
    const result = await readOnce({
      url: pinned.url,
      tls: tls(),
      proxy: { url: `http://user:${password}@${proxy.host}` },
    })
    expect(result).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected))
    if (result !== accepted) expect(result).toContain(`the proxy ${proxy.host} (POLARIS_PROXY)`)
    expect(result).not.toMatch(/user:|pass(?:%40|@)word|dXNlcj/)
  })

  test('that rejects the credentials is asked once by all streams, and again with new ones or after 30 minutes', async () => {
    await using proxy = await forwardProxy({ credentials: `user:${plainPassword}` })
    let passed = 0
    const clock = { ...systemClock, monotonic: () => passed }
    const accounts = accountGates(clock)()
    const through = { url: `http://user:wrong@${proxy.host}` }
    const settings = { url: pinned.url, tls: tls(), proxy: through }
    await using one = testSource(settings, { clock, accounts })
    await using other = testSource(settings, { clock, accounts })
    const readAll = () => Promise.all([one, other].map(({ read }) => read()))
    const refused = expect.stringMatching(/^source\.proxy-refused: .*status 407/)
    expect([...(await readAll()), ...(await readAll())]).toEqual([refused, refused, refused, refused])
    expect(proxy.requests).toHaveLength(1)
    passed += 30 * 60_000
    await readAll()
    expect(proxy.requests).toHaveLength(2)
    through.url = `http://user:${password}@${proxy.host}`
    expect(await readAll()).toEqual([accepted, accepted])
    expect(proxy.requests).toHaveLength(4)
  })

  test('that requires credentials is asked again where none are configured', async () => {
    await using proxy = await forwardProxy({ credentials: `user:${plainPassword}` })
    await using source = testSource({ url: pinned.url, tls: tls(), proxy: { url: `http://${proxy.host}` } })
    for (const _time of [1, 2]) expect(await source.read()).toMatch(/status 407/)
    expect(proxy.requests).toHaveLength(2)
  })

  test('that is replaced by one at another address is used from the next connection on', async () => {
    await using proxy = await forwardProxy()
    const through = { url: `http://127.0.0.1:${await freePort()}` }
    await using source = testSource({ url: pinned.url, tls: tls(), proxy: through })
    expect(await source.read()).toMatch(/^source\.unreachable/)
    through.url = `http://${proxy.host}`
    expect(await source.read()).toBe(accepted)
  })
})

describe('a proxy that closes connections', () => {
  test.each(['tunnel', 'reset tunnel', 'connection'] as const)('fails the read (%s)', async (cuts) => {
    await using proxy = await forwardProxy({ cuts })
    const read = { url: pinned.url, tls: tls(), proxy: { url: `http://${proxy.host}` } }
    expect(await readOnce(read)).toMatch(/^source\.unreachable: /)
  })
})
