import { ConnectorError } from '../../../runtime/connector-error.ts'
import { errorCodeIn, hostAndPort, networkCause, serverOf } from '../../../runtime/network.ts'

/**
 * Converts an error of the network or of TLS; returns a `ConnectorError` unchanged. The original is not kept as the
 * cause: it may contain parts of the response.
 */
export function networkError(error: unknown, server: URL): ConnectorError {
  if (error instanceof ConnectorError) return error
  const code = errorCodeIn(error)
  if (code === undefined) throw error // not a network error: a bug
  return (
    tlsError(error, code, server) ??
    new ConnectorError('source.unreachable', `call ${serverOf(server)}: ${causeOf(code, server)}`)
  )
}

/** Does what `networkError` does for an error after the head of a response has arrived. */
export function bodyError(error: unknown, server: URL): ConnectorError {
  const code = errorCodeIn(error) ?? ''
  if (error instanceof ConnectorError || !closedCode.test(code)) return networkError(error, server)
  const what = `the connection was closed before its end: check the server and the proxies in between (${code})`
  return new ConnectorError('source.unreachable', `read response from ${serverOf(server)}: ${what}`)
}

const notHttpCode = /^HPE_/
const closedCode = /^(?:ECONNRESET|EPIPE)$/

function causeOf(code: string, server: URL) {
  const cause = notHttpCode.test(code) ? `the response is not HTTP: check host and port (${code})` : networkCause(code)
  return notHttpCode.test(code) || closedCode.test(code) ? `${cause}${tlsHint(server)}` : cause
}

/** Returns a hint for the message: servers answer a request without TLS to a port with TLS in many ways. */
export const tlsHint = ({ protocol }: URL) =>
  protocol === 'http:' ? '; if it requires TLS, use https:// in POLARIS_URL' : ''

const certificateCode =
  /^(?:CERT_|CRL_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE)|PATH_LENGTH|ERROR_IN_CERT|UNSPECIFIED$)/

/** Gives the cause and the cure for an error code of Node or OpenSSL. The first match applies. */
const handshakes: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for another host name; correct the host in POLARIS_URL'],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired; renew it on the server'],
  // Node calls X509_V_ERR_EE_KEY_TOO_SMALL and the like by this name.
  [/^UNSPECIFIED$/, 'its certificate has a short key or a weak signature; set polaris.tls.minVersion to TLSv1'],
  [certificateCode, 'its certificate is not trusted; set POLARIS_CA'],
  [
    /^ERR_SSL_.*(?:PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS|INSUFFICIENT_SECURITY|KEY_TOO_SMALL)/,
    'the server does not support the TLS versions from polaris.tls.minVersion on; for an old server, set it to TLSv1',
  ],
  [
    /^ERR_SSL_.*CERTIFICATE_REQUIRED/,
    'the server requires a client certificate; set POLARIS_TLS_CERT and POLARIS_TLS_KEY',
  ],
  [
    /^ERR_SSL_.*ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/,
    'the server rejects the client certificate; check POLARIS_TLS_CERT',
  ],
  [
    /^ERR_SSL_.*HANDSHAKE_FAILURE/,
    'the server rejects the TLS handshake; it may require a client certificate (POLARIS_TLS_CERT) or an older TLS version (polaris.tls.minVersion)',
  ],
]

/** Returns the error of a failed TLS handshake with the server, by its code; undefined if it is none. */
function tlsError(error: unknown, code: string, server: URL): ConnectorError | undefined {
  const text = handshakes.find(([pattern]) => pattern.test(code))?.[1]
  if (text === undefined) return undefined
  const pin = certificateCode.test(code) ? `, or ${pinOf(error)}` : ''
  return new ConnectorError('source.certificate', `connect to ${hostAndPort(server)}: ${text}${pin} (${code})`)
}

/**
 * Returns how to pin the certificate. The error has the fingerprint if the connector itself refused the certificate.
 */
function pinOf(error: unknown) {
  if (!(error instanceof Error) || !('fingerprint' in error)) return 'set POLARIS_TLS_FINGERPRINTS'
  return `set POLARIS_TLS_FINGERPRINTS to ${error.fingerprint} after you have compared it with that of the server`
}
