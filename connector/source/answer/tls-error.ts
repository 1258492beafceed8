import { ConnectorError } from '../../runtime/connector-error.ts'

interface TlsVerdict {
  /** Of the error code of Node or OpenSSL. */
  readonly pattern: RegExp
  readonly code: 'source.certificate' | 'source.tls'
  readonly message: string
}

const verdict = (pattern: RegExp, code: TlsVerdict['code'], message: string): TlsVerdict => ({ pattern, code, message })

/** The first match applies. */
const tlsVerdicts: readonly TlsVerdict[] = [
  verdict(
    /^(?:CERT_|CRL_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE)|PATH_LENGTH|ERROR_IN_CERT)/,
    'source.certificate',
    'the server certificate is not trusted; see POLARIS_CA and POLARIS_TLS_FINGERPRINTS',
  ),
  verdict(
    /^UNSPECIFIED$/, // what Node makes of X509_V_ERR_EE_KEY_TOO_SMALL and the like
    'source.certificate',
    'the server certificate has a short key or a weak signature; set POLARIS_TLS_FINGERPRINTS, or polaris.tls.minVersion to TLSv1',
  ),
  verdict(
    /^ERR_SSL_.*(?:PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS|INSUFFICIENT_SECURITY|KEY_TOO_SMALL)/,
    'source.tls',
    'the server does not support the TLS versions from polaris.tls.minVersion on; for an old server, set it to TLSv1',
  ),
  verdict(
    /^ERR_SSL_.*CERTIFICATE_REQUIRED/,
    'source.tls',
    'the server requires a client certificate; set POLARIS_TLS_CERT and POLARIS_TLS_KEY',
  ),
  verdict(
    /^ERR_SSL_.*ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/,
    'source.tls',
    'the server rejects the client certificate; check POLARIS_TLS_CERT',
  ),
  verdict(
    /^ERR_SSL_.*HANDSHAKE_FAILURE/,
    'source.tls',
    'the server rejects the TLS handshake; it may require a client certificate (POLARIS_TLS_CERT) or an older TLS version (polaris.tls.minVersion)',
  ),
]

/** The error for a code of a failed TLS handshake; undefined if it is none. */
export function tlsError(code: string): ConnectorError | undefined {
  const found = tlsVerdicts.find(({ pattern }) => pattern.test(code))
  return found && new ConnectorError(found.code, `connect: ${found.message} (${code})`)
}
