import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { ServerOptions } from 'node:https'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { EMPTY_PAGE, readOnce } from '../../support/one-read.ts'
import { forwardProxy } from '../../support/servers/forward-proxy.ts'
import { type LoneCertificate, loneCertificate } from '../../support/servers/lone-certificate.ts'
import { pemCertificates } from '../../support/servers/pem-certificates.ts'
import { scriptedServer } from '../../support/servers/scripted-http.ts'

// The source reads from real TLS servers that require certificates, or are old.

const { directory, files, ca, client, server: certified } = pemCertificates()
const pem = (path: string) => readFileSync(path, 'utf8')
const accepted = 'a page with 0 clients'
const serve = (tls?: ServerOptions) => scriptedServer((_, response) => void response.end(EMPTY_PAGE), tls)

let own: LoneCertificate
beforeAll(() => {
  own = loneCertificate('20200101', '20991231')
})

describe('a client certificate', () => {
  const required = { ...certified, requestCert: true, rejectUnauthorized: true, ca }

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('is presented to a server that requires one, with %s', async (version) => {
    await using server = await serve({ ...required, minVersion: version, maxVersion: version })
    expect(await readOnce({ url: server.url, tls: { ca, client } })).toBe(accepted)
    expect(await readOnce({ url: server.url, tls: { ca } })).toMatch(/^source\.certificate: .*POLARIS_TLS_CERT/)
  })

  test('is presented to a pinned server and through a proxy', async () => {
    await using server = await serve({ ...required, ...own })
    await using proxy = await forwardProxy()
    const tls = { fingerprints: [own.fingerprint], client }
    expect(await readOnce({ url: server.url, tls })).toBe(accepted)
    expect(await readOnce({ url: server.url, tls, proxy: { url: `http://${proxy.host}` } })).toBe(accepted)
  })

  test('must not have an encrypted key', async () => {
    const encrypted = join(directory, 'encrypted.key')
    execFileSync(
      'openssl',
      ['rsa', '-in', files.clientKey, '-aes256', '-passout', 'pass:open sesame', '-out', encrypted],
      { stdio: 'pipe' },
    )
    await using server = await serve(required)
    const tls = { ca, client: { cert: client.cert, key: pem(encrypted) } }
    const encryptedKey = /^source\.certificate: connect: .*POLARIS_TLS_KEY cannot be used/
    expect(await readOnce({ url: server.url, tls })).toMatch(encryptedKey)
  })
})

describe('an old server', () => {
  /** Like Windows Server 2008: no cipher with forward secrecy. */
  const old = (version: 'TLSv1' | 'TLSv1.1') => ({
    ...certified,
    minVersion: version,
    maxVersion: version,
    ciphers: 'AES128-SHA:@SECLEVEL=0',
  })

  test.each(['TLSv1', 'TLSv1.1'] as const)(
    'with %s is reached with that minVersion; else the error names it',
    async (version) => {
      await using server = await serve(old(version))
      expect(await readOnce({ url: server.url, tls: { ca, minVersion: version } })).toBe(accepted)
      const tooOld = /^source\.certificate: .*polaris\.tls\.minVersion.*TLSv1 \(/
      expect(await readOnce({ url: server.url, tls: { ca } })).toMatch(tooOld)
    },
  )

  test('with a short key is reached with an old minVersion or a fingerprint; else the error names both', async () => {
    const key = join(directory, 'short.key')
    const cert = join(directory, 'short.crt')
    const request = `req -x509 -newkey rsa:1024 -nodes -sha1 -days 3 -subj /CN=old -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`
    execFileSync('openssl', request.split(' '), { stdio: 'pipe' })
    const short = { key: pem(key), cert: pem(cert) }
    await using server = await serve({ ...short, ciphers: 'DEFAULT:@SECLEVEL=0' })
    expect(await readOnce({ url: server.url, tls: { ca: short.cert, minVersion: 'TLSv1' } })).toBe(accepted)
    expect(await readOnce({ url: server.url, tls: { ca: short.cert } })).toMatch(
      /^source\.certificate: .*short key.*polaris\.tls\.minVersion.*POLARIS_TLS_FINGERPRINTS/,
    )
  })
})

describe('an IPv6 address in the URL', () => {
  test('works with http, with https, and through a proxy', async () => {
    await using plain = await scriptedServer((_, response) => void response.end(EMPTY_PAGE), undefined, '::1')
    await using secure = await scriptedServer((_, response) => void response.end(EMPTY_PAGE), own, '::1')
    await using proxy = await forwardProxy()
    const tls = { fingerprints: [own.fingerprint] }
    const through = { url: `http://${proxy.host}` }
    expect(await readOnce({ url: plain.url })).toBe(accepted)
    expect(await readOnce({ url: secure.url, tls })).toBe(accepted)
    expect(await readOnce({ url: secure.url, tls, proxy: through })).toBe(accepted)
    expect(await readOnce({ url: plain.url, proxy: through })).toBe(accepted)
    expect(proxy.requests).toEqual([
      `CONNECT ${secure.url.replace('https://', '')}`,
      `CONNECT ${plain.url.replace('http://', '')}`,
    ])
  })
})
