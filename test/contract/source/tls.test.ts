import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { polarisDefaults, type TlsConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { EMPTY_PAGE, readOnce } from '../../support/one-read.ts'
import { type LoneCertificate, loneCertificate } from '../../support/servers/lone-certificate.ts'
import { pemCertificates } from '../../support/servers/pem-certificates.ts'
import { rawServer } from '../../support/servers/raw-server.ts'
import { type ScriptedServer, scriptedServer } from '../../support/servers/scripted-http.ts'

// The source connects to real TLS servers with valid, expired and signed certificates.

const certificates = pemCertificates()

let valid: LoneCertificate
let expired: LoneCertificate
let servers: Record<'valid' | 'expired' | 'certified', ScriptedServer>

beforeAll(async () => {
  valid = loneCertificate('20200101', '20991231')
  expired = loneCertificate('20200101', '20200201')
  const serve = (tls: { key: string; cert: string }) =>
    scriptedServer((_, response) => void response.end(EMPTY_PAGE), tls)
  servers = {
    valid: await serve(valid),
    expired: await serve(expired),
    certified: await serve(certificates.server),
  }
})
afterAll(async () => {
  for (const server of Object.values(servers)) await server[Symbol.asyncDispose]()
})

const reading = (url: string, tls?: TlsConfig, connectMs = 5_000) =>
  readOnce({
    url,
    tls,
    auth: { kind: 'basic', account: { user: 'u', password: 'p' } },
    timeouts: { ...polarisDefaults.timeouts, connectMs },
  })
const refused = /^source\.certificate: /
const accepted = 'a page with 0 clients'

describe('without settings', () => {
  test('rejects certificates that no CA of the system has signed, before anything is sent', async () => {
    expect(await reading(servers.valid.url)).toMatch(refused)
    expect(await reading(servers.expired.url)).toMatch(refused)
    expect(await reading(servers.certified.url)).toMatch(refused)
    expect(await reading(servers.valid.url)).toContain(`set POLARIS_TLS_FINGERPRINTS to ${valid.fingerprint}`)
    expect(Object.values(servers).flatMap(({ calls }) => calls)).toEqual([])
  })
})

describe('with a CA', () => {
  test('accepts certificates that it has signed, and no others', async () => {
    const tls = { ca: certificates.ca }
    expect(await reading(servers.certified.url, tls)).toBe(accepted)
    expect(await reading(servers.valid.url, tls)).toMatch(refused)
  })

  test('accepts a self-signed certificate as its own CA, unless it has expired', async () => {
    expect(await reading(servers.valid.url, { ca: valid.cert })).toBe(accepted)
    expect(await reading(servers.expired.url, { ca: expired.cert })).toMatch(refused)
  })
})

describe('with a pinned fingerprint', () => {
  test('accepts exactly that certificate, even self-signed or expired', async () => {
    expect(await reading(servers.valid.url, { fingerprints: [valid.fingerprint] })).toBe(accepted)
    expect(await reading(servers.expired.url, { fingerprints: [expired.fingerprint] })).toBe(accepted)
    const both = { fingerprints: [`${expired.fingerprint}\n${valid.fingerprint}`] }
    expect(await reading(servers.valid.url, both)).toBe(accepted)
  })

  test('accepts the fingerprint with colons, spaces or neither, in upper or lower case, and as openssl prints it', async () => {
    const bare = valid.fingerprint.replaceAll(':', '')
    for (const fingerprint of [
      bare.toLowerCase(),
      bare,
      `SHA256:${bare}`,
      valid.fingerprint.replaceAll(':', ' '),
      `sha256 Fingerprint=${valid.fingerprint}`,
      `SHA256 Fingerprint=${valid.fingerprint}`,
    ]) {
      expect(await reading(servers.valid.url, { fingerprints: [fingerprint] })).toBe(accepted)
    }
  })

  test('rejects any other certificate before anything is sent, even one that a configured CA has signed', async () => {
    const before = servers.certified.calls.length
    const pinned = { fingerprints: [valid.fingerprint], ca: certificates.ca }
    expect(await reading(servers.certified.url, pinned)).toMatch(refused)
    expect(await reading(servers.expired.url, pinned)).toMatch(refused)
    expect(await reading(servers.expired.url, pinned)).toContain(expired.fingerprint)
    expect(servers.certified.calls).toHaveLength(before)
  })

  test('rejects a part of the fingerprint', async () => {
    expect(await reading(servers.valid.url, { fingerprints: [valid.fingerprint.slice(0, 40)] })).toMatch(refused)
    expect(await reading(servers.valid.url, { fingerprints: [''] })).toMatch(refused)
  })
})

describe('a server that never finishes the handshake', () => {
  test('fails after the connect timeout', async () => {
    await using silent = await rawServer()
    expect(await reading(`https://${silent.address}`, undefined, 300)).toMatch(/^source\.unreachable: .*ETIMEDOUT/)
  })
})
