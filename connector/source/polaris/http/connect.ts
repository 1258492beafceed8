import { addAbortListener, once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'

export interface Address {
  /** Without the brackets of IPv6. */
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
  return await connected(connectTcp(to), 'connect', parts)
}

/**
 * Starts TLS, on `socket` if there is one already. The caller decides whether it trusts the server: see `authorized`.
 * Without cached sessions, each connection presents its certificate.
 */
export async function tlsSocket(
  to: Address & { readonly socket?: Socket | undefined; readonly secureContext: SecureContext },
  parts: ConnectParts,
): Promise<TLSSocket> {
  const servername = isIP(to.host) === 0 ? to.host : ''
  return await connected(connectTls({ ...to, servername, rejectUnauthorized: false }), 'secureConnect', parts)
}

/** Rejects with an error that has a code. */
async function connected<Opened extends Socket>(
  socket: Opened,
  event: 'connect' | 'secureConnect',
  { connectMs, closed }: ConnectParts,
): Promise<Opened> {
  socket.on('error', () => {}) // until a request listens
  socket.setTimeout(connectMs, () => socket.destroy(timedOut()))
  using _closing = addAbortListener(closed, () => socket.destroy(timedOut()))
  await once(socket, event)
  socket.setTimeout(0)
  return socket
}

export const timedOut = () => Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })
