import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CloseStack, closeStack } from '../../../connector/runtime/close-stack.ts'
import { makeCertificates } from '../../support/servers/certificates.ts'
import { startTcpProxy, type TcpProxy } from '../../support/servers/tcp-proxy.ts'
import { never } from '../../support/signals.ts'

let closing: CloseStack
let proxy: TcpProxy
/** The data received by the server behind the proxy, which answers each message with the same text in capitals. */
let received: string[]
let serverPort: number

beforeEach(async () => {
  closing = closeStack()
  received = []
  const server = createServer((socket) => {
    socket.setEncoding('utf8')
    socket.on('error', () => {})
    socket.on('data', (text: string) => {
      received.push(text)
      socket.write(text.toUpperCase())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.use(server, () => void server.close())
  serverPort = (server.address() as AddressInfo).port
  proxy = closing.use(await startTcpProxy({ target: serverPort }), (started) => started.close())
})
afterEach(() => closing.close())

async function connected(port = proxy.port): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('utf8')
  await once(socket, 'connect')
  return closing.use(socket, () => void socket.destroy())
}

async function ask(socket: Socket, question: string): Promise<string> {
  socket.write(question)
  const [answer] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['(closed)'])])
  return answer as string
}

test('forwards bytes in both directions', async () => {
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  expect(await ask(socket, 'two')).toBe('TWO')
})

test('cut closes the open connections, and new ones are accepted', async () => {
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  const closed = once(socket, 'close')
  expect(proxy.affected()).toBe(0)
  proxy.cut()
  expect(proxy.affected()).toBe(1)
  await closed
  expect(await ask(await connected(), 'two')).toBe('TWO')
})

test('drops only the response to the targeted request, after the server has received that request', async () => {
  const dropped = proxy.dropAnswers(1, (request) => request.includes('two'))
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  expect(await ask(socket, 'two')).toBe('(closed)')
  await dropped
  expect(received).toEqual(['one', 'two'])
  expect(await ask(await connected(), 'two')).toBe('TWO')
})

test('drops as many responses as requested', async () => {
  const dropped = proxy.dropAnswers(2)
  expect(await ask(await connected(), 'one')).toBe('(closed)')
  expect(await ask(await connected(), 'two')).toBe('(closed)')
  await dropped
  expect(await ask(await connected(), 'three')).toBe('THREE')
})

test('forwards nothing while it is paused, and everything once it resumes', async () => {
  const socket = await connected()
  proxy.pause()
  const answer = ask(socket, 'one')
  expect(await ask(await connected(serverPort), 'direct')).toBe('DIRECT')
  expect(received).toEqual(['direct'])
  expect(proxy.affected()).toBe(1)
  proxy.resume()
  expect(await answer).toBe('ONE')
})

test('delays bytes by the given time in each direction', async () => {
  const socket = await connected()
  proxy.delay(60)
  const startedAt = performance.now()
  await ask(socket, 'one')
  expect(performance.now() - startedAt).toBeGreaterThan(110)
  expect(proxy.affected()).toBe(2)
})

test('refuses connections while it is down', async () => {
  const socket = await connected()
  const closed = once(socket, 'close')
  await proxy.down()
  await closed
  await expect(connected()).rejects.toThrow('ECONNREFUSED')
  await proxy.up()
  expect(await ask(await connected(), 'one')).toBe('ONE')
})

test('pauses just before it forwards the targeted request', async () => {
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  const paused = proxy.pauseAt((request) => request.includes('two'), never)
  const answer = ask(socket, 'two')
  await paused
  expect(received).toEqual(['one'])
  proxy.resume()
  expect(await answer).toBe('TWO')
})

test('goes down even while a client is in its TLS handshake', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'proxy-'))
  closing.use(directory, () => rmSync(directory, { recursive: true }))
  const secure = await startTcpProxy({ target: serverPort, tls: makeCertificates(directory) })
  const closed = once(await connected(secure.port), 'close')
  await secure.down()
  await closed
})
