import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import type { Clock } from '../../../runtime/clock.ts'
import type { ObserveSource } from '../../client-source.ts'
import type { PolarisConfig } from '../polaris-config.ts'
import { addressOf, tcpSocket } from './connect.ts'
import { openTunnel } from './proxy.ts'
import { secureConnector } from './tls.ts'

export interface HttpSettings extends PolarisConfig {
  readonly base: URL
}

export interface HttpParts {
  readonly clock: Clock
  readonly observe: ObserveSource
}

/** A connection is replaced after this time, so that new settings, addresses and certificates are noticed. */
const MAX_CONNECTION_MS = 15 * 60_000

/** The connection to one server: calls are sequential. */
export interface ServerAgent {
  /** For the next call. */
  current(): HttpAgent
  close(): void
}

/** Checks each connection before anything is sent on it. */
export function serverAgent(settings: HttpSettings, { clock, observe }: HttpParts): ServerAgent {
  const { base, tls, proxy, timeouts } = settings
  const closing = new AbortController()
  const parts = { connectMs: timeouts.connectMs, closed: closing.signal }
  const onCertificate = (seen: object) => observe({ kind: 'certificate-seen', ...seen } as Parameters<ObserveSource>[0])
  const secure = secureConnector(tls, { ...parts, onCertificate })
  const to = addressOf(base)
  const isSecure = base.protocol === 'https:'
  let openedAt = clock.monotonic()

  const connect = async (): Promise<Socket> => {
    const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, to, { ...parts, tls })
    const socket = isSecure ? await secure(to, tunnel) : (tunnel ?? (await tcpSocket(to, parts)))
    openedAt = clock.monotonic()
    return socket
  }
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = (_, callback) => {
    connect().then(
      (socket) => callback?.(null, socket),
      (error) => callback?.(error, undefined as never),
    )
    return undefined
  }
  return {
    current: () => {
      if (clock.monotonic() - openedAt > MAX_CONNECTION_MS) agent.destroy()
      return agent
    },
    close: () => {
      closing.abort()
      agent.destroy()
    },
  }
}
