import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { requestToken } from '../../../connector/kafka/tokens.ts'
import { type Script, scriptedServer } from '../../support/servers/scripted-http.ts'
import { startTokenServer, type TokenServer, tokenClient } from '../../support/servers/token-server.ts'

// A scripted HTTP server answers the requests for tokens.

const limit = AbortSignal.timeout(60_000)
const client = {
  mechanism: 'oauthbearer',
  username: tokenClient.id,
  password: tokenClient.secret,
  parameters: {},
} as const
let tokens: TokenServer
beforeAll(async () => {
  tokens = await startTokenServer({ lifetimeS: 90, isDown: false })
})
afterAll(() => tokens.close())

async function endpoint(script: Script) {
  const server = await scriptedServer(script)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { server, settings: { ...client, tokenEndpoint: `${server.url}/token` } }
}

test('returns the token and its lifetime, from a server whose CA is in NODE_EXTRA_CA_CERTS', async () => {
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(tokens.authority, 'utf8')])
  const settings = { ...client, tokenEndpoint: tokens.tokenEndpoint }
  expect(await requestToken(settings, limit)).toEqual({ value: tokens.issued.at(-1), lifetimeMs: 90_000 })
})

test('sends the configured parameters, such as scope and audience', async () => {
  const { server, settings } = await endpoint((_, response) => void response.end('{"access_token":"t"}'))
  const answer = await requestToken({ ...settings, parameters: { scope: 'a b', audience: 'kafka' } }, limit)
  expect(answer).toEqual({ value: 't', lifetimeMs: 300_000 })
  expect(server.calls[0]?.body).toBe('grant_type=client_credentials&scope=a+b&audience=kafka')
})

const secretive = { error_description: tokenClient.secret, access_token: 'a secret token' }

test.each([
  [
    400,
    { error: 'invalid_scope' },
    'publish.unauthorized',
    'rejects the request (400 invalid_scope): check KAFKA_SASL_USERNAME',
  ],
  [401, { error: `oops ${tokenClient.secret}` }, 'publish.unauthorized', 'rejects the request (401)'],
  [403, {}, 'publish.failed', 'it answers with status 403'],
  [302, {}, 'publish.failed', 'it answers with status 302'],
  [503, {}, 'publish.failed', 'it answers with status 503'],
  [200, { access_token: 'two\nlines' }, 'publish.failed', 'its answer contains no token'],
  [200, { access_token: 7 }, 'publish.failed', 'its answer contains no token'],
])('names the fault without the secret when the answer is %d %j', async (status, body, code, what) => {
  const { settings } = await endpoint((_, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end(JSON.stringify({ ...secretive, ...body }))
  })
  const failure = await requestToken(settings, limit).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code, message: expect.stringContaining(what) })
  expect(String(failure)).not.toMatch(/secret|sécret/)
})

test('names a server that answers with something other than JSON, or not in time', async () => {
  const text = await endpoint((_, response) => void response.end('<html>'))
  await expect(requestToken(text.settings, limit)).rejects.toThrow('contains no token')
  const stop = new AbortController()
  const silent = await endpoint(() => stop.abort())
  await expect(requestToken(silent.settings, stop.signal)).rejects.toThrow('it does not answer in time')
})
