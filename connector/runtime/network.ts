import { getCACertificates } from 'node:tls'

/** Says for an error code of Node what happened to a connection, and where to look; the first match applies. */
const causes: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'connection refused: check host and port'],
  [/^ENOTFOUND$/, 'unknown host name: check the host and the DNS'],
  [/^EAI_/, 'host name not resolved: check the DNS'],
  [/^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/, 'no route to the host: check the network and its firewalls'],
  [/^ETIMEDOUT$/, 'no connection in time: check host, port and firewalls'],
  [/^EPROTO$/, 'the TLS handshake failed: if the port has no TLS, use http://'],
  [
    /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/,
    'the certificate is not trusted: set NODE_EXTRA_CA_CERTS to the file of its CA',
  ],
  [/^TimeoutError$/, 'no response in time: check the network and the server'],
  [
    /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    'connection closed without a complete response: check host, port, TLS and proxies',
  ],
  [
    /^ERR_SSL_(?:WRONG_VERSION|PACKET_LENGTH|RECORD_LENGTH|UNKNOWN_PROTOCOL)/,
    'no TLS on this port: use http://, or the port for https',
  ],
]

/**
 * Returns the cause with its code, such as `connection refused: check host and port (ECONNREFUSED)`; or else the code.
 */
export function networkCause(code: string): string {
  const cause = causes.find(([pattern]) => pattern.test(code))?.[1]
  return `${cause ?? 'unexpected failure: check the server and the network'} (${code})`
}

/** Returns the code of an error of the network, or of its cause; undefined if it has none. */
export function errorCodeIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return error instanceof AggregateError ? errorCodeIn(error.errors[0]) : errorCodeIn(error.cause)
}

/** Returns `scheme://host:port` of a URL, for messages. */
export const serverOf = (url: URL): string => `${url.protocol}//${hostAndPort(url)}`

/** Returns `host:port` of a URL, also with the default port. */
export function hostAndPort(url: URL): string {
  return url.port === '' ? `${url.hostname}:${url.protocol === 'https:' ? 443 : 80}` : url.host
}

let certificates: readonly string[] | undefined

/**
 * Returns Node's bundled CAs, those of NODE_EXTRA_CA_CERTS and the system's. Reading them takes tens of milliseconds.
 */
export function systemCertificates(): string[] {
  certificates ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  return [...certificates]
}
