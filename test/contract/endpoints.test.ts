import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../connector/runtime/clock.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import { endpoints, text } from '../../connector/telemetry/endpoints.ts'
import { telemetry } from '../../connector/telemetry/telemetry.ts'

const stop = new AbortController().signal
const closing = closeStack()
afterEach(() => closing.close())

async function listening() {
  const told = telemetry({
    connector: 'shops',
    replica: 'r-1',
    version: '1.2.3',
    level: 'silent',
    out: { write: () => {} },
    clock: systemClock,
    placement: 'single',
    readyAfterMs: 300_000,
  })
  const server = closing.use(await told.listen({ host: '127.0.0.1', port: 0 }, stop), (open) => open.close())
  const at = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
  return { ...told, at, server }
}

test('/healthz answers whatever the streams do', async () => {
  const { at, observe } = await listening()
  observe('shop', { pollIntervalMs: 5000 })({ kind: 'stream-stopped', code: 'bug', error: undefined })
  const answer = await at('/healthz')
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\n'])
})

test('/readyz is 503 until the replica runs and its streams are open, then 200', async () => {
  const { at, observe, replicaIs } = await listening()
  expect((await at('/readyz')).status).toBe(503)
  replicaIs('running')
  expect((await at('/readyz')).status).toBe(200)
  const shop = observe('shop', { pollIntervalMs: 5000 })
  shop({ kind: 'stream-opening' })
  const answer = await at('/readyz')
  expect(answer.status).toBe(503)
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(await answer.json()).toMatchObject({ ready: false, streams: [{ stream: 'shop', why: 'not opened yet' }] })
  shop({ kind: 'stream-claimed', epoch: 1, seq: 0, lastChanged: '2026-01-01T00:00:00', isNew: true, events: 0 })
  expect((await at('/readyz')).status).toBe(200)
})

test('a stopped stream makes /readyz 503 with its code and hint, and nothing of its error', async () => {
  const { at, observe, replicaIs } = await listening()
  replicaIs('running')
  const error = new ConnectorError('checkpoint.missing', 'open', { cause: new Error('Jean Dupont') })
  observe('shop', { pollIntervalMs: 5000 })({ kind: 'stream-stopped', code: 'checkpoint.missing', error })
  const answer = await at('/readyz')
  const body = await answer.text()
  expect(answer.status).toBe(503)
  expect(JSON.parse(body)).toMatchObject({
    replicaState: 'running',
    streams: [
      {
        stream: 'shop',
        state: 'stopped',
        ready: false,
        code: 'checkpoint.missing',
        hint: expect.stringContaining('put it back'),
      },
    ],
  })
  expect(body).not.toContain('Dupont')
})

test('/metrics serves the text format of Prometheus', async () => {
  const { at, observe } = await listening()
  observe('shop', { pollIntervalMs: 5000 })({ kind: 'page-read', clients: 7, bytes: 10, tookMs: 3 })
  const answer = await at('/metrics')
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const body = await answer.text()
  expect(body).toContain('polaris_connector_clients_total{stream="shop",connector="shops"} 7\n')
  expect(body).toContain('process_cpu_seconds_total')
})

test('/status tells everything about each stream', async () => {
  const { at, observe } = await listening()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  shop({ kind: 'stream-opening' })
  shop({ kind: 'stream-claimed', epoch: 4, seq: 9, lastChanged: '2026-01-01T00:00:00', isNew: false, events: 0 })
  shop({ kind: 'page-read', clients: 7, bytes: 10, tookMs: 3 })
  expect(await (await at('/status')).json()).toMatchObject({
    connector: 'shops',
    replica: 'r-1',
    version: '1.2.3',
    replicaState: 'starting',
    uptimeSeconds: expect.any(Number),
    streams: [
      {
        stream: 'shop',
        state: 'running',
        drain: 'draining',
        epoch: 4,
        seq: 9,
        lastChanged: '2026-01-01T00:00:00',
        checkpointAgeSeconds: expect.any(Number),
        totals: { pages: 1, clients: 7, events: 0, deadLetters: 0, suppressed: 0 },
      },
    ],
  })
})

test('/status says of a stream that is elsewhere by now only what it did here', async () => {
  const { at, observe } = await listening()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  shop({ kind: 'stream-opening' })
  shop({ kind: 'stream-claimed', epoch: 4, seq: 9, lastChanged: '2026-01-01T00:00:00', isNew: false, events: 0 })
  shop({ kind: 'page-read', clients: 7, bytes: 10, tookMs: 3 })
  shop({ kind: 'stream-lost', error: new ConnectorError('publish.fenced', 'end'), wasStopping: true })
  const { streams } = (await (await at('/status')).json()) as { streams: object[] }
  const totals = { pages: 1, clients: 7, events: 0, deadLetters: 0, suppressed: 0 }
  expect(streams).toEqual([{ stream: 'shop', state: 'lost', ready: true, totals }])
})

test('GET and HEAD only, 404 elsewhere, whatever the query', async () => {
  const { at } = await listening()
  expect((await at('/healthz?probe=1')).status).toBe(200)
  for (const path of ['/', '/readyz/', '/constructor', '/__proto__', '/toString'])
    expect((await at(path)).status).toBe(404)
  const post = await at('/healthz', { method: 'POST', body: 'x' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  const head = await at('/healthz', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '3', ''])
})

test('nothing is cached', async () => {
  const { at } = await listening()
  expect((await at('/readyz')).headers.get('cache-control')).toBe('no-store')
})

test('a port that is taken is an error of the configuration that names HTTP_PORT', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  closing.use(taken, (server) => void server.close())
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const parts = { host: '127.0.0.1', port, clock: systemClock, paths: {}, onError: () => {} }
  await expect(endpoints(parts, stop)).rejects.toMatchObject({
    code: 'config.invalid',
    message: `HTTP_PORT: cannot listen on 127.0.0.1:${port}`,
    cause: { code: 'EADDRINUSE' },
  })
})

test('a stop before listening is what it rejects with', async () => {
  const reason = new Error('stopped')
  const parts = { host: '127.0.0.1', port: 0, clock: systemClock, paths: {}, onError: () => {} }
  await expect(endpoints(parts, AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('an answer that fails is 500 without content, and is told', async () => {
  const told: unknown[] = []
  const failure = new Error('Dupont')
  const paths = { '/bad': () => Promise.reject(failure), '/good': () => text(200, 'ok') }
  const parts = { host: '127.0.0.1', port: 0, clock: systemClock, paths, onError: (error: unknown) => told.push(error) }
  const server = closing.use(await endpoints(parts, stop), (open) => open.close())
  const answer = await fetch(`http://127.0.0.1:${server.port}/bad`)
  expect([answer.status, await answer.text()]).toEqual([500, ''])
  expect(told).toEqual([failure])
  expect((await fetch(`http://127.0.0.1:${server.port}/good`)).status).toBe(200)
})

test('closing cuts an answer that never ends, frees the port, and may be asked twice', async () => {
  const begun = Promise.withResolvers<void>()
  const never = () => {
    begun.resolve()
    return new Promise<never>(() => {})
  }
  const parts = { host: '127.0.0.1', port: 0, clock: systemClock, paths: { '/never': never }, onError: () => {} }
  const server = await endpoints(parts, stop)
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.on('error', () => {})
  const cut = once(socket, 'close')
  await begun.promise
  await Promise.all([server.close(), cut])
  await server.close()
  await expect(fetch(`http://127.0.0.1:${server.port}/never`)).rejects.toThrow()
})
