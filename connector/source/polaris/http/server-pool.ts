import { Pool } from 'undici'
import type { Clock } from '../../../runtime/clock.ts'
import type { RefusedAccounts } from '../../../runtime/refused-accounts.ts'
import type { ObserveSource, SeenCertificate } from '../../client-source.ts'
import type { PolarisConfig, TlsConfig } from '../polaris-config.ts'
import { directRoute, proxyRoute, type Route } from './proxy.ts'
import { skippingContinue } from './skip-continue.ts'
import { secureConnector } from './tls.ts'

export interface HttpSettings extends Pick<PolarisConfig, 'tls' | 'proxy' | 'headers' | 'timeouts' | 'maxBodyBytes'> {
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
  readonly pool: Pool
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
    keepAliveTimeout: 30_000, // longer than the pause between polls; a server's own value takes precedence
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
  if (proxy === undefined) return directRoute(toServer)
  const trust: TlsConfig = {
    get ca() {
      return tls?.ca
    },
  }
  const toProxy = secureConnector(trust, { connectMs, onCertificate: () => {}, onError: () => {} })
  return proxyRoute(proxy, base, { toServer, toProxy, connectMs, accounts: parts.accounts, closed })
}
