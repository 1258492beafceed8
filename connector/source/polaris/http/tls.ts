import type { Socket } from 'node:net'
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, type TLSSocket } from 'node:tls'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { systemCertificates } from '../../../runtime/network.ts'
import type { ClientCertificate, TlsConfig } from '../polaris-config.ts'
import { type Address, type ConnectParts, tlsSocket } from './connect.ts'

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

/**
 * The TLS context of the next connection, from the present settings. Throws `source.certificate` if they are unusable,
 * for example because a certificate has been replaced and its key has not.
 */
function presentContext({ ca, minVersion = 'TLSv1.2', client }: TlsConfig = {}): SecureContext {
  const unusable = caProblem(ca) ?? clientCertificateProblem(client ?? {})?.text
  if (unusable !== undefined) throw new ConnectorError('source.certificate', `connect: ${unusable}`)
  const isOld = minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
  return createSecureContext({
    ca: trusted(ca),
    minVersion,
    // OpenSSL 3 offers the versions before 1.2 at no other level.
    ...(isOld && { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` }),
    ...client,
  })
}

function caProblem(ca: string | undefined): string | undefined {
  return isContext({ ca }) ? undefined : 'POLARIS_CA must be a PEM certificate'
}

interface ClientCertificateProblem {
  /** The setting to correct. */
  readonly of: 'cert' | 'key'
  readonly what: string
  /** With the variable of the setting. */
  readonly text: string
}

/** Why certificate and key cannot be used together; undefined if they can, or if there are none. */
export function clientCertificateProblem(client: Partial<ClientCertificate>): ClientCertificateProblem | undefined {
  const { cert, key } = client
  if (!isContext({ cert })) return problem('cert', 'must be a PEM certificate')
  if (key?.includes('ENCRYPTED'))
    return problem('key', 'is encrypted: decrypt it with openssl pkey, and protect the file')
  if (!isContext({ key })) return problem('key', 'must be a PEM private key')
  return isContext({ cert, key }) ? undefined : problem('key', 'is not the key of cert')
}

const variables = { cert: 'POLARIS_TLS_CERT', key: 'POLARIS_TLS_KEY' }

function problem(of: keyof typeof variables, what: string): ClientCertificateProblem {
  return { of, what, text: `${variables[of]} ${what}` }
}

function isContext(options: Parameters<typeof createSecureContext>[0]): boolean {
  try {
    createSecureContext(options)
    return true
  } catch {
    return false
  }
}

/** The CAs of the system, and one more. */
export const trusted = (ca: string | undefined) => [...systemCertificates(), ...(ca === undefined ? [] : [ca])]

/** The SHA-256 fingerprint for comparison: lower-case hex without separators, from any output of openssl. */
export function normalFingerprint(text: string): string {
  return text
    .replace(/^\s*sha-?256(?:\s+fingerprint)?\s*[:=]/i, '')
    .replaceAll(/[\s:-]/g, '')
    .toLowerCase()
}
