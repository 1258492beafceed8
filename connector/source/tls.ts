import { createHash } from 'node:crypto'
import { createSecureContext, getCACertificates, TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { TlsConfig } from './polaris-config.ts'

/**
 * Opens connections for undici: validated against the system's CAs and a configured one, or pinned to one certificate. A connection
 * that is not trusted fails with `source.certificate` or the error of Node; so does every one where the configured CA is no PEM.
 */
export function secureConnector(tls: TlsConfig | undefined, options: { connectMs: number }): buildConnector.connector {
  const common = { timeout: options.connectMs, allowH2: false }
  return tls?.fingerprint === undefined ? validatedConnector(tls?.ca, common) : pinnedConnector(tls.fingerprint, common)
}

interface CommonOptions {
  readonly timeout: number
  readonly allowH2: boolean
}

function validatedConnector(ca: string | undefined, common: CommonOptions): buildConnector.connector {
  const plain = buildConnector(common)
  let secure: buildConnector.connector | undefined
  return (options, callback) => {
    if (options.protocol !== 'https:') return plain(options, callback)
    try {
      secure ??= buildConnector({ ...common, secureContext: createSecureContext({ ca: trusted(ca) }) })
    } catch {
      return callback(new ConnectorError('source.certificate', 'connect: POLARIS_CA is no PEM certificate'), null)
    }
    return secure(options, callback)
  }
}

let systemCertificates: readonly string[] | undefined

/** What Node brings along, NODE_EXTRA_CA_CERTS, what the system trusts, and the configured CA. */
function trusted(ca: string | undefined): string[] {
  systemCertificates ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  return ca === undefined ? [...systemCertificates] : [...systemCertificates, ca]
}

/** The SHA-256 of a certificate as it is compared: hex without separators, lower case. */
export function normalFingerprint(text: string): string {
  return text
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(/[\s:-]/g, '')
    .toLowerCase()
}

/** Pinned means pinned: not a CA nor a date decides but the certificate itself, before anything is sent. */
function pinnedConnector(fingerprint: string, common: CommonOptions): buildConnector.connector {
  const pinned = normalFingerprint(fingerprint)
  // A resumed session would show no certificate.
  const open = buildConnector({ ...common, rejectUnauthorized: false, maxCachedSessions: 0 })
  return (options, callback) => {
    open(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      const shown = socket instanceof TLSSocket ? fingerprintOf(socket) : undefined
      if (shown === pinned || options.protocol !== 'https:') return callback(null, socket)
      socket.destroy()
      return callback(
        new ConnectorError(
          'source.certificate',
          `connect: the server shows the certificate ${shown ?? 'none'}, not the pinned one`,
        ),
        null,
      )
    })
  }
}

function fingerprintOf(socket: TLSSocket): string | undefined {
  const { raw } = socket.getPeerCertificate()
  return raw === undefined ? undefined : createHash('sha256').update(raw).digest('hex')
}
