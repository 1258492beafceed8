import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import type { ReadArguments, SourceTime } from '../../../connector/source/client-source.ts'
import { httpClientSource } from '../../../connector/source/polaris/http-client-source.ts'
import { polarisDefaults, type TlsConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { refusedAccounts } from '../../../connector/source/polaris/session/refused-accounts.ts'
import { defaultPolaris } from '../../support/default-config.ts'
import { makeCertificates } from '../../support/servers/certificates.ts'
import { type LoneCertificate, loneCertificate } from '../../support/servers/lone-certificate.ts'
import { type ScriptedServer, scriptedServer } from '../../support/servers/scripted-http.ts'
import { never } from '../../support/signals.ts'

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

/** Reads once. Returns the result, or the code and message of the error. */
async function reading(url: string, tls?: TlsConfig): Promise<string> {
  const timeouts = { ...polarisDefaults.timeouts, connectMs: 300 }
  const auth = { kind: 'basic', account: { user: 'u', password: 'p' } } as const
  const source = httpClientSource(
    { ...defaultPolaris, url, auth, codeMagasin: 1, tls, timeouts },
    {
      clock: systemClock,
      turn: async () => {},
      accounts: refusedAccounts(systemClock),
      observe: () => undefined,
    },
  )
  try {
    const page = await source.read(at, never)
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
  it('rejects certificates that no CA of the system has signed, before anything is sent', async () => {
    expect(await reading(servers.valid.url)).toMatch(refused)
    expect(await reading(servers.expired.url)).toMatch(refused)
    expect(await reading(servers.certified.url)).toMatch(refused)
    expect(await reading(servers.valid.url)).toContain(`set POLARIS_TLS_FINGERPRINTS to ${valid.fingerprint}`)
    expect(Object.values(servers).flatMap(({ calls }) => calls)).toEqual([])
  })
})

describe('with a CA', () => {
  it('accepts certificates that it has signed, and no others', async () => {
    const tls = { ca: pem(certificates.authority) }
    expect(await reading(servers.certified.url, tls)).toBe(accepted)
    expect(await reading(servers.valid.url, tls)).toMatch(refused)
  })

  it('accepts a self-signed certificate as its own CA, unless it has expired', async () => {
    expect(await reading(servers.valid.url, { ca: valid.cert })).toBe(accepted)
    expect(await reading(servers.expired.url, { ca: expired.cert })).toMatch(refused)
  })

  it('rejects a certificate for another host', async () => {
    const url = servers.valid.url.replace('127.0.0.1', 'localhost')
    expect(await reading(url, { ca: valid.cert })).toMatch(/^source\.certificate: .*ALTNAME/)
  })
})

describe('with a pinned fingerprint', () => {
  it('accepts exactly that certificate, even self-signed or expired', async () => {
    expect(await reading(servers.valid.url, { fingerprints: [valid.fingerprint] })).toBe(accepted)
    expect(await reading(servers.expired.url, { fingerprints: [expired.fingerprint] })).toBe(accepted)
  })

  it('accepts the fingerprint with colons, spaces or neither, in upper or lower case, and as openssl prints it', async () => {
    const bare = valid.fingerprint.replaceAll(':', '')
    const printed = [`sha256 Fingerprint=${valid.fingerprint}`, `SHA256 Fingerprint=${valid.fingerprint}`]
    for (const fingerprint of [
      bare.toLowerCase(),
      bare,
      `SHA256:${bare}`,
      valid.fingerprint.replaceAll(':', ' '),
      ...printed,
    ]) {
      expect(await reading(servers.valid.url, { fingerprints: [fingerprint] })).toBe(accepted)
    }
  })

  it('rejects any other certificate before anything is sent, even one that a configured CA has signed', async () => {
    const before = servers.certified.calls.length
    const pinned = { fingerprints: [valid.fingerprint], ca: pem(certificates.authority) }
    expect(await reading(servers.certified.url, pinned)).toMatch(refused)
    expect(await reading(servers.expired.url, pinned)).toMatch(refused)
    expect(servers.certified.calls).toHaveLength(before)
  })

  it('reports the fingerprint of the server, so that it can be compared', async () => {
    expect(await reading(servers.expired.url, { fingerprints: [valid.fingerprint] })).toContain(expired.fingerprint)
  })

  it('rejects a part of the fingerprint', async () => {
    expect(await reading(servers.valid.url, { fingerprints: [valid.fingerprint.slice(0, 40)] })).toMatch(refused)
    expect(await reading(servers.valid.url, { fingerprints: [''] })).toMatch(refused)
  })
})

describe('the trust settings', () => {
  const reader = (server: ScriptedServer, tls: TlsConfig) => {
    const source = httpClientSource(
      { ...defaultPolaris, url: server.url, auth: { kind: 'none' }, codeMagasin: 1, tls },
      {
        clock: systemClock,
        turn: async () => {},
        accounts: refusedAccounts(systemClock),
        observe: () => undefined,
      },
    )
    onTestFinished(() => source.close())
    return () => source.read(at, never)
  }

  it('are read again for each connection: the CA', async () => {
    const tls = { ca: valid.cert }
    const read = reader(servers.certified, tls)
    await expect(read()).rejects.toMatchObject({ code: 'source.certificate' })
    tls.ca = pem(certificates.authority)
    expect((await read()).clients).toEqual([])
  })

  it('are read again for each connection: the fingerprint', async () => {
    const tls = { fingerprints: [expired.fingerprint] }
    const read = reader(servers.valid, tls)
    await expect(read()).rejects.toMatchObject({ code: 'source.certificate' })
    tls.fingerprints = [valid.fingerprint]
    expect((await read()).clients).toEqual([])
  })
})

describe('an invalid CA', () => {
  it('is reported as such', async () => {
    const ca = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----'
    expect(await reading(servers.valid.url, { ca })).toMatch(/^source\.certificate: .*POLARIS_CA/)
  })
})

describe('a server that never finishes the handshake', () => {
  it('fails after the connect timeout', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    try {
      expect(await reading(`https://127.0.0.1:${port}`)).toMatch(/^source\.unreachable: .*ETIMEDOUT/)
    } finally {
      silent.close()
    }
  })
})

describe('a server without TLS', () => {
  it('is unreachable with https', async () => {
    await using plain = await scriptedServer((_, response) => void response.end(PAGE))
    expect(await reading(plain.url.replace('http:', 'https:'), { fingerprints: [valid.fingerprint] })).toMatch(
      /^source\.unreachable/,
    )
  })
})
