import type { Socket } from 'node:net'
import type { buildConnector, Pool as ConnectionPool } from 'undici'
import type { Clock } from '../../../runtime/clock.ts'
import { Pool } from '../../../runtime/memory/undici.ts'
import type { RefusedAccounts } from '../../../runtime/refused-accounts.ts'
import type { ObserveSource, SeenCertificate } from '../../client-source.ts'
import type { PolarisConfig, TlsConfig } from '../polaris-config.ts'
import { proxyRoute, type Route } from './proxy.ts'
import { secureConnector } from './tls.ts'

export interface HttpSettings extends PolarisConfig {
  readonly base: URL
}

export interface HttpParts {
  readonly clock: Clock
  readonly accounts: RefusedAccounts
  readonly observe: ObserveSource
}

/** A connection is replaced after this time, so that new settings, addresses and certificates are noticed. */
const MAX_CONNECTION_MS = 15 * 60_000

/** The connections to one server. */
export interface ServerPool {
  readonly pool: ConnectionPool
  readonly route: Route
  /** Errors of the socket during the current exchange. */
  readonly socketErrors: Error[]
}

/** `closed`: aborts when the connections are no longer needed. */
export function serverPool(settings: HttpSettings, parts: HttpParts, closed: AbortSignal): ServerPool {
  const socketErrors: Error[] = []
  const onError = (error: Error) => socketErrors.push(error)
  const route = routeTo(settings, { ...parts, onError }, closed)
  const pool = new Pool(settings.base.origin, {
    connect: skippingContinue(route.connect),
    connections: 1, // calls are sequential
    pipelining: 1,
    keepAliveTimeout: 45_000, // longer than the pause between polls; a server's own value takes precedence
    clientTtl: MAX_CONNECTION_MS,
    allowH2: false,
    headersTimeout: settings.timeouts.headersMs,
    bodyTimeout: 0, // the whole body has a limit of its own
  })
  return { pool, route, socketErrors }
}

function routeTo(
  { base, tls, proxy, timeouts }: HttpSettings,
  parts: HttpParts & { readonly onError: (error: Error) => void },
  closed: AbortSignal,
): Route {
  const { connectMs } = timeouts
  const onCertificate = (seen: SeenCertificate) => parts.observe({ kind: 'certificate-seen', ...seen })
  const toServer = secureConnector(tls, { connectMs, onCertificate, onError: parts.onError })
  if (proxy === undefined) return { connect: toServer }
  const trust: TlsConfig = {
    get ca() {
      return tls?.ca
    },
  }
  const toProxy = secureConnector(trust, { connectMs, onCertificate: () => {}, onError: () => {} })
  return proxyRoute(proxy, base, { toServer, toProxy, connectMs, accounts: parts.accounts, closed })
}

type Connect = buildConnector.connector

/** A longer head is none that a server sends. */
const MAX_HEAD_BYTES = 16 * 1024
const CONTINUE = /^HTTP\/1\.[01] 100[ \r]/
const LONGEST_START = 'HTTP/1.1 100 '.length

/**
 * Connections without `100 Continue`: a client must accept it also unasked (RFC 9110, 15.2.1), and old IIS sends it after
 * a POST, but undici then closes the connection.
 */
function skippingContinue(connect: Connect): Connect {
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
