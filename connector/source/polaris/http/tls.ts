import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { SeenCertificate } from '../../client-source.ts'
import type { TlsConfig } from '../polaris-config.ts'
import { type Address, type ConnectParts, tlsSocket } from './connect.ts'
import { expiryOf, normalFingerprint, presentContext } from './secure-context.ts'

interface SecureParts extends ConnectParts {
  /** Called for each certificate of a new connection. */
  readonly onCertificate: (seen: SeenCertificate) => void
}

/**
 * Returns a function that opens connections, either validated against the system's CAs and a configured CA, or pinned to
 * the fingerprints. An untrusted server or an unusable PEM text fails with `source.certificate` or Node's error. Reads
 * the settings again for each connection.
 */
export function secureConnector(tls: TlsConfig | undefined, parts: SecureParts) {
  return async (to: Address, tunnel: Socket | undefined): Promise<TLSSocket> => {
    const fingerprints = tls?.fingerprints?.map(normalFingerprint)
    const socket = await tlsSocket({ ...to, socket: tunnel, secureContext: presentContext(tls) }, parts)
    // Nothing has been sent.
    const refusal = fingerprints === undefined ? distrust(socket) : pinRefusal(socket, fingerprints, to)
    if (refusal !== undefined) {
      socket.destroy()
      throw refusal
    }
    for (const seen of certificatesOf(socket, tls)) parts.onCertificate(seen)
    return socket
  }
}

/** Why Node does not trust the certificate: its code, with the fingerprint. */
function distrust(socket: TLSSocket): Error | undefined {
  if (socket.authorized) return undefined
  const fingerprint = shown(fingerprintOf(socket))
  return Object.assign(new Error('not trusted'), { code: String(socket.authorizationError), fingerprint })
}

/** Compares only the certificate; ignores CAs and the expiry date. */
function pinRefusal(
  socket: TLSSocket,
  fingerprints: readonly string[],
  { host, port }: Address,
): ConnectorError | undefined {
  const presented = fingerprintOf(socket)
  if (presented !== undefined && fingerprints.includes(presented)) return undefined
  return new ConnectorError(
    'source.certificate',
    `connect to ${host}:${port}: the server presents the certificate ${shown(presented)}, which is not in POLARIS_TLS_FINGERPRINTS`,
  )
}

/** As openssl prints it. */
const shown = (fingerprint: string | undefined) => fingerprint?.toUpperCase().match(/../g)?.join(':') ?? 'none'

function fingerprintOf(socket: TLSSocket): string | undefined {
  const { raw } = socket.getPeerCertificate()
  return raw === undefined ? undefined : createHash('sha256').update(raw).digest('hex')
}

function certificatesOf(socket: TLSSocket, tls: TlsConfig | undefined): SeenCertificate[] {
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
