import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'

type Connect = buildConnector.connector

/** A longer head is none that a server sends. */
const MAX_HEAD_BYTES = 16 * 1024
const CONTINUE = /^HTTP\/1\.[01] 100[ \r]/
const LONGEST_START = 'HTTP/1.1 100 '.length

/**
 * Connections without `100 Continue`: a client must accept it also unasked (RFC 9110, 15.2.1), and old IIS sends it after
 * a POST, but undici then closes the connection.
 */
export function skippingContinue(connect: Connect): Connect {
  return (options, callback) =>
    connect(options, (...[error, socket]) => (error === null ? callback(null, skipIn(socket)) : callback(error, null)))
}

function skipIn(socket: Socket): Socket {
  const read = socket.read.bind(socket)
  const write = socket.write.bind(socket) as (...sent: unknown[]) => boolean
  /** What has arrived of the head of a response; undefined after it. */
  let head: Buffer | undefined
  const readNext = (size?: number): Buffer | null => {
    if (size !== undefined) return read(size) // Node's own `read(0)`, which takes nothing
    for (let chunk = read(); ; chunk = read()) {
      if (head === undefined || chunk === null) return chunk
      const { kind, rest } = withoutContinue(Buffer.concat([head, chunk]))
      head = kind === 'head' ? rest : undefined
      if (kind === 'passed') return rest
    }
  }
  const writeNext = (...sent: unknown[]): boolean => {
    head = Buffer.alloc(0)
    return write(...sent)
  }
  return Object.assign(socket, { read: readNext, write: writeNext })
}

/** `head`: more must arrive to tell whether this is a `100 Continue`. */
function withoutContinue(received: Buffer): { readonly kind: 'head' | 'passed'; readonly rest: Buffer } {
  let rest = received
  for (;;) {
    const start = rest.toString('latin1', 0, LONGEST_START)
    const isShort = rest.length < LONGEST_START && 'HTTP/1.'.startsWith(start.slice(0, 7))
    if (isShort) return { kind: 'head', rest }
    if (!CONTINUE.test(start)) return { kind: 'passed', rest }
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return { kind: rest.length > MAX_HEAD_BYTES ? 'passed' : 'head', rest }
    rest = rest.subarray(end + 4)
  }
}
