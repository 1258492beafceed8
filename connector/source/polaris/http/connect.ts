import { addAbortListener, once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'

export interface Address {
  /** A host without the brackets of IPv6. */
  readonly host: string
  readonly port: number
}

export function addressOf(url: URL): Address {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port }
}

export interface ConnectParts {
  readonly connectMs: number
  /** Aborts when the connections are no longer needed. */
  readonly closed: AbortSignal
}

export async function tcpSocket(to: Address, parts: ConnectParts): Promise<Socket> {
  return await connectedSocket(connectTcp(to), 'connect', parts)
}

/** Resolves with the socket once it has connected. Rejects with an error that has a code. */
export async function connectedSocket<Opened extends Socket>(
  socket: Opened,
  event: 'connect' | 'secureConnect',
  { connectMs, closed }: ConnectParts,
): Promise<Opened> {
  socket.on('error', () => {}) // until a request listens
  socket.setTimeout(connectMs, () => socket.destroy(timeoutError()))
  using _closing = addAbortListener(closed, () => socket.destroy(timeoutError()))
  await once(socket, event)
  socket.setTimeout(0)
  return socket
}

export const timeoutError = () => Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })
