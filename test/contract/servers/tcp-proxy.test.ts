import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CloseStack, closeStack } from '../../../connector/runtime/close-stack.ts'
import { startTcpProxy, type TcpProxy } from '../../support/servers/tcp-proxy.ts'

let closing: CloseStack
let proxy: TcpProxy
/** What the server behind the proxy has received; it answers everything with the same in capitals. */
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

test('bytes pass in both directions', async () => {
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  expect(await ask(socket, 'two')).toBe('TWO')
})

test('a cut ends the open connections and lets new ones in', async () => {
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  const closed = once(socket, 'close')
  expect(proxy.felt()).toBe(0)
  proxy.cut()
  expect(proxy.felt()).toBe(1)
  await closed
  expect(await ask(await connected(), 'two')).toBe('TWO')
})

test('a dropped answer is one to the request it aims at, which the server has received', async () => {
  const dropped = proxy.dropAnswers(1, (request) => request.includes('two'))
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  expect(await ask(socket, 'two')).toBe('(closed)')
  await dropped
  expect(received).toEqual(['one', 'two'])
  expect(await ask(await connected(), 'two')).toBe('TWO')
})

test('as many answers are dropped as asked for', async () => {
  const dropped = proxy.dropAnswers(2)
  expect(await ask(await connected(), 'one')).toBe('(closed)')
  expect(await ask(await connected(), 'two')).toBe('(closed)')
  await dropped
  expect(await ask(await connected(), 'three')).toBe('THREE')
})

test('nothing passes while it is paused, and everything after that', async () => {
  const socket = await connected()
  proxy.pause()
  const answer = ask(socket, 'one')
  expect(await ask(await connected(serverPort), 'direct')).toBe('DIRECT')
  expect(received).toEqual(['direct'])
  expect(proxy.felt()).toBe(1)
  proxy.resume()
  expect(await answer).toBe('ONE')
})

test('bytes are held back for as long as it is told', async () => {
  const socket = await connected()
  proxy.delay(60)
  const startedAt = performance.now()
  await ask(socket, 'one')
  expect(performance.now() - startedAt).toBeGreaterThan(110)
  expect(proxy.felt()).toBe(2)
})

test('nobody is let in while it is down', async () => {
  const socket = await connected()
  const closed = once(socket, 'close')
  await proxy.down()
  await closed
  await expect(connected()).rejects.toThrow('ECONNREFUSED')
  await proxy.up()
  expect(await ask(await connected(), 'one')).toBe('ONE')
})

test('it pauses at a request before the server gets it', async () => {
  const socket = await connected()
  expect(await ask(socket, 'one')).toBe('ONE')
  const paused = proxy.pauseAt((request) => request.includes('two'), new AbortController().signal)
  const answer = ask(socket, 'two')
  await paused
  expect(received).toEqual(['one'])
  proxy.resume()
  expect(await answer).toBe('TWO')
})
