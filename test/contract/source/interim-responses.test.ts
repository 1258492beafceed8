import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { EMPTY_PAGE, testSource } from '../../support/one-read.ts'
import { rawServer } from '../../support/servers/raw-server.ts'

// A server writes bytes to the socket, in any parts and at any pace.

const accepted = 'a page with 0 clients'
const final = `HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ${EMPTY_PAGE.length}\r\n\r\n${EMPTY_PAGE}`

/** A server that answers each request by writing to the socket. */
const answering = (answer: (socket: Socket) => void) => rawServer((socket) => socket.on('data', () => answer(socket)))

/** Each part in a packet of its own. */
function sendParts(socket: Socket, [part, ...others]: readonly string[]): void {
  if (part !== undefined) socket.write(part, () => setImmediate(sendParts, socket, others))
}

describe('a 100 Continue that was not asked for', () => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\n'
  test.each([
    ['together with the final response', [interim + final]],
    ['twice, with a header', [`HTTP/1.1 100 Continue\r\nServer: IIS\r\n\r\n${interim}`, final]],
    ['byte by byte', [...interim, final]],
    ['before another interim response', [`${interim}HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${final}`]],
  ])('is skipped: %s', async (_, parts) => {
    await using server = await answering((socket) => sendParts(socket.setNoDelay(true), parts))
    await using source = testSource({ url: `http://${server.address}` })
    expect(await source.read()).toBe(accepted)
    expect(await source.read()).toBe(accepted)
    expect(server.connections()).toBe(1)
  })
})

describe('a server that never finishes the headers', () => {
  const timeouts = { connectMs: 200, answerMs: 300 }
  const every20ms = (socket: Socket, text: string) => {
    const timer = setInterval(() => socket.write(text), 20)
    socket.on('close', () => clearInterval(timer))
  }
  test.each([
    ['interim responses without end', 'HTTP/1.1 102 Processing\r\n\r\n', ''],
    ['a header byte by byte', 'a', 'HTTP/1.1 200 OK\r\nX-A: '],
  ])('is left in time: %s', async (_, unit, first) => {
    await using server = await answering((socket) => {
      socket.write(first)
      every20ms(socket, unit)
    })
    await using source = testSource({ url: `http://${server.address}`, timeouts })
    expect(await source.read()).toMatch(
      /^source\.unreachable: call http:\/\/127\.0\.0\.1:\d+: no complete response in time/,
    )
  })
})
