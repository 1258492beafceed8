import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../connector/runtime/clock.ts'
import { turns } from '../../connector/runtime/turns.ts'
import type { ReadArguments, SourceTime } from '../../connector/source/client-source.ts'
import { httpClientSource } from '../../connector/source/http-client-source.ts'
import { polarisDefaults, type TlsConfig } from '../../connector/source/polaris-config.ts'
import { makeCertificates } from '../support/servers/certificates.ts'
import { type LoneCertificate, loneCertificate } from '../support/servers/lone-certificate.ts'
import { type ScriptedServer, scriptedServer } from '../support/servers/scripted-http.ts'

const PAGE = '<p><hasMoreResults>false</hasMoreResults></p>'
const at: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 1,
  output: 'xml',
}
const directory = mkdtempSync(join(tmpdir(), 'source-tls-'))
const certificates = makeCertificates(directory)
const pem = (path: string) => readFileSync(path, 'utf8')

let valid: LoneCertificate
let expired: LoneCertificate
let servers: Record<'valid' | 'expired' | 'certified', ScriptedServer>

beforeAll(async () => {
  valid = loneCertificate('20200101', '20991231')
  expired = loneCertificate('20200101', '20200201')
  const serve = (tls: { key: string; cert: string }) => scriptedServer((_, response) => void response.end(PAGE), tls)
  servers = {
    valid: await serve(valid),
    expired: await serve(expired),
    certified: await serve({ key: pem(certificates.serverKey), cert: pem(certificates.serverCertificate) }),
  }
})
afterAll(async () => {
  for (const server of Object.values(servers)) await server[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

/** Reads once; the error's code and message where it fails. */
async function reading(url: string, tls?: TlsConfig): Promise<string> {
  const retry = { ...polarisDefaults.retry, retries: 0 }
  const timeouts = { ...polarisDefaults.timeouts, connectMs: 300 }
  const auth = { kind: 'basic', user: 'u', password: 'p' } as const
  const source = httpClientSource(
    { ...polarisDefaults, url, auth, codeMagasin: 1, tls, timeouts, retry },
    { clock: systemClock, turns: turns(8), observe: () => undefined },
  )
  try {
    const page = await source.read(at, new AbortController().signal)
    return `a page with ${page.clients.length} clients`
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${error.code}: ${error.message}` : `bug: ${error}`
  } finally {
    await source.close()
  }
}
const refused = /^source\.certificate: /
const accepted = 'a page with 0 clients'

describe('without settings', () => {
  it('refuses certificates that no CA of the system vouches for, before anything is sent', async () => {
    expect(await reading(servers.valid.url)).toMatch(refused)
    expect(await reading(servers.expired.url)).toMatch(refused)
    expect(await reading(servers.certified.url)).toMatch(refused)
    expect(Object.values(servers).flatMap(({ calls }) => calls)).toEqual([])
  })
})

describe('with a CA', () => {
  it('accepts what it vouches for, and nothing else', async () => {
    const tls = { ca: pem(certificates.authority) }
    expect(await reading(servers.certified.url, tls)).toBe(accepted)
    expect(await reading(servers.valid.url, tls)).toMatch(refused)
  })

  it('accepts a self-signed certificate that is given as its own CA, but not an expired one', async () => {
    expect(await reading(servers.valid.url, { ca: valid.cert })).toBe(accepted)
    expect(await reading(servers.expired.url, { ca: expired.cert })).toMatch(refused)
  })

  it('refuses a certificate of another host', async () => {
    const url = servers.valid.url.replace('127.0.0.1', 'localhost')
    expect(await reading(url, { ca: valid.cert })).toMatch(/^source\.certificate: .*ALTNAME/)
  })
})

describe('with a pinned fingerprint', () => {
  it('accepts exactly that certificate, self-signed or expired', async () => {
    expect(await reading(servers.valid.url, { fingerprint: valid.fingerprint })).toBe(accepted)
    expect(await reading(servers.expired.url, { fingerprint: expired.fingerprint })).toBe(accepted)
  })

  it('takes it with colons, spaces or neither, in either case', async () => {
    const bare = valid.fingerprint.replaceAll(':', '')
    for (const fingerprint of [bare.toLowerCase(), bare, `SHA256:${bare}`, valid.fingerprint.replaceAll(':', ' ')]) {
      expect(await reading(servers.valid.url, { fingerprint })).toBe(accepted)
    }
  })

  it('refuses any other, one that a configured CA vouches for too, before anything is sent', async () => {
    const before = servers.certified.calls.length
    const pinned = { fingerprint: valid.fingerprint, ca: pem(certificates.authority) }
    expect(await reading(servers.certified.url, pinned)).toMatch(refused)
    expect(await reading(servers.expired.url, pinned)).toMatch(refused)
    expect(servers.certified.calls).toHaveLength(before)
  })

  it('tells which certificate the server shows, so that it can be compared', async () => {
    const shown = expired.fingerprint.replaceAll(':', '').toLowerCase()
    expect(await reading(servers.expired.url, { fingerprint: valid.fingerprint })).toContain(shown)
  })

  it('refuses a part of the fingerprint', async () => {
    expect(await reading(servers.valid.url, { fingerprint: valid.fingerprint.slice(0, 40) })).toMatch(refused)
    expect(await reading(servers.valid.url, { fingerprint: '' })).toMatch(refused)
  })
})

describe('a CA that is none', () => {
  it('is told so', async () => {
    const ca = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----'
    expect(await reading(servers.valid.url, { ca })).toMatch(/^source\.certificate: .*POLARIS_CA/)
  })
})

describe('a server that never finishes the handshake', () => {
  it('is given up after the deadline of connecting', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    try {
      expect(await reading(`https://127.0.0.1:${port}`)).toMatch(/^source\.timeout: .*CONNECT_TIMEOUT/)
    } finally {
      silent.close()
    }
  })
})

describe('a server without TLS', () => {
  it('cannot be reached by https', async () => {
    await using plain = await scriptedServer((_, response) => void response.end(PAGE))
    expect(await reading(plain.url.replace('http:', 'https:'), { fingerprint: valid.fingerprint })).toMatch(
      /^source\.unreachable/,
    )
  })
})
