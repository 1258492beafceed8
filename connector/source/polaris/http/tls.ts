import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { TlsConfig } from '../polaris-config.ts'
import { type Address, type ConnectParts, tlsSocket } from './connect.ts'
import { normalFingerprint, presentContext } from './secure-context.ts'

interface SecureParts extends ConnectParts {
  readonly tls: TlsConfig | undefined
}

/**
 * Opens a connection, either validated against the system's CAs and a configured CA, or pinned to the fingerprints. An
 * untrusted server or an unusable PEM text fails with `source.certificate` or Node's error.
 */
export async function secureSocket(
  to: Address,
  tunnel: Socket | undefined,
  { tls, ...parts }: SecureParts,
): Promise<TLSSocket> {
  const fingerprints = tls?.fingerprints?.map(normalFingerprint)
  const socket = await tlsSocket({ ...to, socket: tunnel, secureContext: presentContext(tls) }, parts)
  // Nothing has been sent.
  const refusal = fingerprints === undefined ? distrust(socket) : pinRefusal(socket, fingerprints, to)
  if (refusal === undefined) return socket
  socket.destroy()
  throw refusal
}

/** Why Node does not trust the certificate: its code, with the fingerprint. */
function distrust(socket: TLSSocket): Error | undefined {
  if (socket.authorized) return undefined
  const { fingerprint256: fingerprint } = socket.getPeerCertificate()
  return Object.assign(new Error('not trusted'), { code: String(socket.authorizationError), fingerprint })
}

/** Compares only the certificate; ignores CAs and the expiry date. */
function pinRefusal(
  socket: TLSSocket,
  fingerprints: readonly string[],
  { host, port }: Address,
): ConnectorError | undefined {
  const { fingerprint256: presented = 'none' } = socket.getPeerCertificate()
  if (fingerprints.includes(normalFingerprint(presented))) return undefined
  return new ConnectorError(
    'source.certificate',
    `connect to ${host}:${port}: the server presents the certificate ${presented}, which is not in POLARIS_TLS_FINGERPRINTS`,
  )
}
