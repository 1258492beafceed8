import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import type { PolarisConfig } from '../polaris-config.ts'
import { addressOf, tcpSocket } from './connect.ts'
import { openTunnel } from './proxy.ts'
import { secureSocket } from './tls.ts'

export interface HttpSettings extends PolarisConfig {
  readonly base: URL
}

/** The connection to one server: calls are sequential. */
export interface ServerAgent {
  readonly agent: HttpAgent
  close(): void
}

/** Checks each connection before anything is sent on it. Reads the settings again for each. */
export function serverAgent({ base, tls, proxy, timeouts: { connectMs } }: HttpSettings): ServerAgent {
  const closing = new AbortController()
  const parts = { connectMs, closed: closing.signal, tls }
  const to = addressOf(base)
  const isSecure = base.protocol === 'https:'

  const connect = async (): Promise<Socket> => {
    const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, to, parts)
    return isSecure ? await secureSocket(to, tunnel, parts) : (tunnel ?? (await tcpSocket(to, parts)))
  }
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = (_, callback) => {
    connect().then(
      (socket) => callback?.(null, socket),
      (error) => callback?.(error, undefined as never),
    )
    return undefined
  }
  const close = () => {
    closing.abort()
    agent.destroy()
  }
  return { agent, close }
}
