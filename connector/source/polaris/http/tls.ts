import { isIP, type Socket } from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { errorCodeIn, systemCertificates } from '../../../runtime/network.ts'
import type { ClientCertificate, TlsConfig } from '../polaris-config.ts'
import { type Address, type ConnectParts, connectedSocket } from './connect.ts'

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
  const fingerprints = tls?.fingerprints?.flatMap((text) => text.split(/[,\n]/)).map(normalFingerprint)
  const servername = isIP(to.host) === 0 ? to.host : ''
  // No session is cached, so the server presents its certificate on each connection.
  const options = { ...to, servername, socket: tunnel, secureContext: presentContext(tls), rejectUnauthorized: false }
  const socket = await connectedSocket(connectTls(options), 'secureConnect', parts)
  // Nothing has been sent so far.
  const refusal = fingerprints === undefined ? distrust(socket) : pinRefusal(socket, fingerprints, to)
  if (refusal === undefined) return socket
  socket.destroy()
  throw refusal
}

/** Returns why Node does not trust the certificate: its code, with the fingerprint. */
function distrust(socket: TLSSocket): Error | undefined {
  if (socket.authorized) return undefined
  const { fingerprint256: fingerprint } = socket.getPeerCertificate()
  return Object.assign(new Error('not trusted'), { code: String(socket.authorizationError), fingerprint })
}

/**
 * Returns why a pinned certificate is refused. It compares only the certificate, and ignores CAs and the expiry date.
 */
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

/**
 * Returns the TLS context of the next connection, from the present settings. Throws `source.certificate` if they are
 * unusable, for example because a certificate has been replaced and its key has not.
 */
function presentContext({ ca, minVersion = 'TLSv1.2', client }: TlsConfig = {}): SecureContext {
  const isOld = minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
  try {
    return createSecureContext({
      ca: trustedCas(ca),
      minVersion,
      // OpenSSL 3 offers the versions before 1.2 at no other level.
      ...(isOld && { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` }),
      ...client,
    })
  } catch (error) {
    const names = 'POLARIS_CA, POLARIS_TLS_CERT or POLARIS_TLS_KEY'
    throw new ConnectorError('source.certificate', `connect: ${names} cannot be used (${errorCodeIn(error)})`)
  }
}

/** Whether the key belongs to the certificate, and is not encrypted. */
export function isKeyPair(client: ClientCertificate): boolean {
  try {
    createSecureContext(client)
    return true
  } catch {
    return false
  }
}

/** Returns the CAs of the system, and one more. */
export const trustedCas = (ca: string | undefined) => [...systemCertificates(), ...(ca === undefined ? [] : [ca])]

/** Returns the SHA-256 fingerprint for comparison: lower-case hex without separators, from any output of openssl. */
export function normalFingerprint(text: string): string {
  return text
    .replace(/^\s*sha-?256(?:\s+fingerprint)?\s*[:=]/i, '')
    .replaceAll(/[\s:-]/g, '')
    .toLowerCase()
}
