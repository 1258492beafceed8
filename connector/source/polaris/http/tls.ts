import { createHash } from 'node:crypto'
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type * as Undici from 'undici'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { buildConnector } from '../../../runtime/memory/undici.ts'
import type { SeenCertificate } from '../../client-source.ts'
import type { TlsConfig } from '../polaris-config.ts'
import { expiryOf, normalFingerprint, secureContexts } from './secure-context.ts'

interface ConnectorParts {
  readonly connectMs: number
  /** Called for each certificate of a new connection. */
  readonly onCertificate: (seen: SeenCertificate) => void
  /** Called with the first error of an open connection, which undici may report as a closed connection. */
  readonly onError: (error: Error) => void
}

/**
 * Opens connections for undici, either validated against the system's CAs and a configured CA, or pinned to the
 * fingerprints. An untrusted server or an unusable PEM text fails the connection with `source.certificate` or Node's
 * error. Reads the settings again for each connection.
 */
export function secureConnector(tls: TlsConfig | undefined, parts: ConnectorParts): Undici.buildConnector.connector {
  // Without cached sessions, each connection presents its certificate and is verified.
  const common = { timeout: parts.connectMs, allowH2: false, maxCachedSessions: 0 }
  const plain = buildConnector(common)
  const secureContext = secureContexts(tls)
  return (options, callback) => {
    if (options.protocol !== 'https:') return plain(options, callback)
    const fingerprints = tls?.fingerprints?.map(normalFingerprint)
    let connect: Undici.buildConnector.connector
    try {
      // Node would reject without the certificate; `distrust` names its fingerprint. Nothing is sent before.
      connect = buildConnector({ ...common, rejectUnauthorized: false, secureContext: secureContext() })
    } catch (error) {
      return callback(error as Error, null)
    }
    return connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      const refusal = fingerprints === undefined ? distrust(socket) : pinRefusal(socket, fingerprints, options)
      if (refusal !== undefined) {
        socket.destroy()
        return callback(refusal, null)
      }
      socket.once('error', parts.onError)
      for (const seen of certificatesOf(socket, tls)) parts.onCertificate(seen)
      return callback(null, socket)
    })
  }
}

/** Why Node does not trust the certificate: its code, with the fingerprint. */
function distrust(socket: unknown): Error | undefined {
  if (!(socket instanceof TLSSocket)) return Object.assign(new Error('no TLS'), { code: 'ERR_TLS_CERT_MISSING' })
  if (socket.authorized) return undefined
  const fingerprint = shown(fingerprintOf(socket))
  return Object.assign(new Error('not trusted'), { code: String(socket.authorizationError), fingerprint })
}

/** Compares only the certificate, before anything is sent; ignores CAs and the expiry date. */
function pinRefusal(
  socket: unknown,
  fingerprints: readonly string[],
  { hostname, port }: Undici.buildConnector.Options,
): ConnectorError | undefined {
  const presented = socket instanceof TLSSocket ? fingerprintOf(socket) : undefined
  if (presented !== undefined && fingerprints.includes(presented)) return undefined
  return new ConnectorError(
    'source.certificate',
    `connect to ${hostname}:${port || 443}: the server presents the certificate ${shown(presented)}, which is not in POLARIS_TLS_FINGERPRINTS`,
  )
}

/** As openssl prints it. */
const shown = (fingerprint: string | undefined) => fingerprint?.toUpperCase().match(/../g)?.join(':') ?? 'none'

function fingerprintOf(socket: TLSSocket): string | undefined {
  const { raw } = socket.getPeerCertificate()
  return raw === undefined ? undefined : createHash('sha256').update(raw).digest('hex')
}

function certificatesOf(socket: unknown, tls: TlsConfig | undefined): SeenCertificate[] {
  if (!(socket instanceof TLSSocket)) return []
  const own = socket.getPeerCertificate(true)
  const isPinned = tls?.fingerprints !== undefined
  const server = { certificate: isPinned ? 'pinned' : 'server', expiresAt: Date.parse(own.valid_to) } as const
  const ca = isPinned || tls?.ca === undefined ? [] : issuersOf(own).map(({ valid_to }) => Date.parse(valid_to))
  const client = tls?.client
  return [
    server,
    ...(ca.length === 0 ? [] : [{ certificate: 'ca', expiresAt: Math.min(...ca) } as const]),
    ...(client === undefined ? [] : [{ certificate: 'client', expiresAt: expiryOf(client.cert) } as const]),
  ]
}

/** The certificates that vouch for the server's, up to the trusted one; empty for a self-signed certificate. */
function issuersOf(own: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const issuer: DetailedPeerCertificate | undefined = own.issuerCertificate
  return issuer === undefined || issuer.fingerprint256 === own.fingerprint256 ? [] : [issuer, ...issuersOf(issuer)]
}
