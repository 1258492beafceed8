import { getCACertificates } from 'node:tls'

let certificates: readonly string[] | undefined

/** Node's bundled CAs, NODE_EXTRA_CA_CERTS and the system's CAs. Reading them takes tens of milliseconds. */
export function systemCertificates(): string[] {
  certificates ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  return [...certificates]
}
