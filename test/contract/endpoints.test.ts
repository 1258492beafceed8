import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../connector/runtime/clock.ts'
import { endpoints, textAnswer } from '../../connector/telemetry/endpoints.ts'
import { closingAfterEach } from '../support/closing.ts'
import { never } from '../support/signals.ts'
import { testTelemetry } from '../support/test-telemetry.ts'

// The endpoints listen on a real port, and sockets misbehave as clients do.

const closing = closingAfterEach()

async function listening() {
  const telemetry = testTelemetry()
  const server = closing.use(await telemetry.listen(0, never), (open) => open.close())
  const at = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
  return { ...telemetry, at, server }
}

test('accepts only GET and HEAD, ignores the query, and returns 404 for other paths', async () => {
  const { at } = await listening()
  expect((await at('/healthz?probe=1')).status).toBe(200)
  for (const path of ['/index.html', '/readyz/', '/constructor', '/__proto__', '/toString'])
    expect((await at(path)).status).toBe(404)
  const post = await at('/healthz', { method: 'POST', body: 'x' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  const head = await at('/healthz', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '3', ''])
})

test('returns 500 without a body and reports the error when a response fails', async () => {
  const reported: unknown[] = []
  const failure = new Error('Dupont')
  const paths = { '/bad': () => Promise.reject(failure), '/good': () => textAnswer(200, 'ok') }
  const parts = {
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    paths,
    onError: (error: unknown) => reported.push(error),
  }
  const server = closing.use(await endpoints(parts, never), (open) => open.close())
  const answer = await fetch(`http://127.0.0.1:${server.port}/bad`)
  expect([answer.status, await answer.text()]).toEqual([500, ''])
  expect(reported).toEqual([failure])
  expect((await fetch(`http://127.0.0.1:${server.port}/good`)).status).toBe(200)
})

test('close aborts a hanging response and frees the port, and may be called twice', async () => {
  const requested = Promise.withResolvers<void>()
  const hanging = () => {
    requested.resolve()
    return new Promise<never>(() => {})
  }
  const parts = { port: 0, paths: { '/never': hanging }, onError: () => {} }
  const server = await endpoints(parts, never)
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await requested.promise
  await Promise.all([server.close(), closed])
  await server.close()
  await expect(fetch(`http://127.0.0.1:${server.port}/never`)).rejects.toThrow()
})

const helloEndpoints = async () => {
  const parts = {
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    paths: { '/': () => textAnswer(200, 'ok') },
    onError: () => {},
  }
  return closing.use(await endpoints(parts, never), (open) => open.close())
}
const connectionTo = (port: number) => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  return closing.use(socket, (open) => void open.destroy())
}

test('connections that send no request are closed after some seconds', async () => {
  const { port } = await helloEndpoints()
  const silent = connectionTo(port)
  const slow = connectionTo(port)
  slow.write('GET / HTTP/1.1\r\n')
  for (const socket of [silent, slow]) socket.resume()
  const began = performance.now()
  await Promise.all([silent, slow].map((socket) => once(socket, 'close')))
  expect(performance.now() - began).toBeLessThan(30_000)
})

test('at most 100 connections are open at a time; further ones are closed at once', async () => {
  const { port } = await helloEndpoints()
  const first = Array.from({ length: 100 }, () => connectionTo(port))
  await Promise.all(first.map((socket) => once(socket, 'connect')))
  const further = connectionTo(port).resume()
  await once(further, 'close')
  first[0]?.destroy()
  await expect
    .poll(() =>
      fetch(`http://127.0.0.1:${port}/`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200)
})
