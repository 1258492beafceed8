import { getCACertificates } from 'node:tls'

/** Node's bundled CAs, NODE_EXTRA_CA_CERTS and the system's CAs. */
export const systemCertificates = (): string[] => [...getCACertificates('default'), ...getCACertificates('system')]
