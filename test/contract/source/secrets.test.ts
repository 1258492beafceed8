import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { connectorConfig } from '../../../connector/config/connector-config.ts'
import { loadConfig } from '../../../connector/config/load-config.ts'
import { EMPTY_PAGE, testSource } from '../../support/one-read.ts'
import { forwardProxy } from '../../support/servers/forward-proxy.ts'
import { loneCertificate } from '../../support/servers/lone-certificate.ts'
import { scriptedServer } from '../../support/servers/scripted-http.ts'

/** A secret mounted by Kubernetes: links to `..data`, a link to the directory of the present version. */
function mountedSecret(first: Readonly<Record<string, string>>) {
  const directory = mkdtempSync(join(tmpdir(), 'mounted-secret-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const path = (name: string) => join(directory, name)
  let version = 0
  const replaceBy = (files: Readonly<Record<string, string>>) => {
    const before = `..v${version}`
    version += 1
    mkdirSync(path(`..v${version}`))
    for (const [name, text] of Object.entries(files)) writeFileSync(path(`..v${version}/${name}`), text)
    symlinkSync(`..v${version}`, path('..data_tmp'))
    renameSync(path('..data_tmp'), path('..data'))
    rmSync(path(before), { recursive: true, force: true })
  }
  replaceBy(first)
  for (const name of Object.keys(first)) symlinkSync(`..data/${name}`, path(name))
  return { path, replaceBy }
}

test('uses the client certificate, header, CA and credentials of the proxy that Kubernetes has replaced', async () => {
  const [server, oldClient, newClient] = [1, 2, 3].map(() => loneCertificate('20200101', '20991231'))
  if (server === undefined || oldClient === undefined || newClient === undefined) throw new TypeError()
  const seen: string[] = []
  await using polaris = await scriptedServer(
    ({ headers }, response) => {
      const certificate = (response.socket as TLSSocket).getPeerCertificate().fingerprint256
      seen.push(`${headers['x-api-key']} ${certificate}`)
      response.setHeader('connection', 'close').end(EMPTY_PAGE)
    },
    { ...server, requestCert: true, rejectUnauthorized: false },
  )
  await using proxy = await forwardProxy({ credentials: 'user:new' })
  const secret = (client: typeof server, word: string) => ({
    cert: client.cert,
    key: client.key,
    header: `X-Api-Key: ${word}`,
    ca: server.cert,
    proxy: `http://user:${word}@${proxy.host}\n`,
  })
  const mounted = mountedSecret({ ...secret(oldClient, 'old'), ca: oldClient.cert })
  const { settings } = loadConfig({
    file: undefined,
    now: Date.now(),
    readFile: (name) => readFileSync(name, 'utf8'),
    environment: {
      CONNECTOR_ID: 'c',
      POLARIS_URL: polaris.url,
      POLARIS_CODE_MAGASIN: '1',
      KAFKA_BROKERS: 'k:1',
      CHECKPOINT_URL: 'file:none',
      POLARIS_TLS_CERT: mounted.path('cert'),
      POLARIS_TLS_KEY: mounted.path('key'),
      POLARIS_CA: mounted.path('ca'),
      POLARIS_PROXY_FILE: mounted.path('proxy'),
      POLARIS_HEADERS_FILE: mounted.path('header'),
    },
  })
  const [stream] = connectorConfig(settings).streams
  if (stream === undefined) throw new TypeError()
  await using source = testSource(stream.polaris)
  expect(await source.read()).toMatch(/^source\.proxy-refused/)
  mounted.replaceBy(secret(newClient, 'new'))
  expect(await source.read()).toBe('a page with 0 clients')
  expect(seen).toEqual([`new ${newClient.fingerprint}`])
})
