import { createHash } from 'node:crypto'
import { getCACertificates, TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { TlsConfig } from './polaris-config.ts'

/**
 * Opens connections for undici: validated against the system's CAs and a configured one, or pinned to one certificate. `https` says
 * whether certificates matter at all. A connection that is not trusted fails with `source.certificate` or the error of Node.
 */
export function secureConnector(tls: TlsConfig | undefined, options: { connectMs: number }): buildConnector.connector {
  const common = { timeout: options.connectMs, allowH2: false }
  if (tls?.fingerprint !== undefined) return pinnedConnector(tls.fingerprint, common)
  if (tls?.ca === undefined) return buildConnector(common)
  return buildConnector({ ...common, ca: [...getCACertificates('default'), ...getCACertificates('system'), tls.ca] })
}

/** The SHA-256 of a certificate as it is compared: hex without separators, lower case. */
export function normalFingerprint(text: string): string {
  return text
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(/[\s:-]/g, '')
    .toLowerCase()
}

/** Pinned means pinned: not a CA nor a date decides but the certificate itself, before anything is sent. */
function pinnedConnector(fingerprint: string, common: { timeout: number; allowH2: boolean }): buildConnector.connector {
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
