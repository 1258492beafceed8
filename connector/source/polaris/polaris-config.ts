import type { RetryPolicy } from '../../runtime/retry.ts'
import type { Account } from './session/account-gate.ts'

/** How to reach one Polaris server, and its conventions. Contains texts, not file names. The caller validates it. */
export interface PolarisConfig {
  /** `http(s)://host[:port][/path]`, without credentials and query. The default path is `/core/api/`. */
  readonly url: string
  readonly auth: AuthConfig
  /** Without it, the system's CAs are trusted. It has no effect with `http:`. */
  readonly tls?: TlsConfig | undefined
  /** The connector connects through this proxy; without a proxy, it connects to the server itself. */
  readonly proxy?: ProxyConfig | undefined
  /** They are sent with every request. Values are read again for each request, so they may change. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A code is a 32-bit integer. */
  readonly codeMagasin: number
  /** It is sent with every read if set. */
  readonly prefixCle?: string | undefined
  /** IANA name of the server's time zone. */
  readonly timeZone: string
  /** Pattern of `lastChanged` in requests, see `timeFormat`. */
  readonly lastChangedFormat: string
  /** Dotted path of the list of clients in the page; absent: detected. */
  readonly clientsField?: string | undefined
  /** Names or dotted paths of fields of a page that look like an error or a message but are none. */
  readonly statusFields: readonly string[]
  /** `answerMs`: from the call to the end of the response. */
  readonly timeouts: { readonly connectMs: number; readonly answerMs: number }
  /** A response body, decompressed, has at most so many bytes. */
  readonly maxBodyBytes: number
  /** A page that fails is retried in its place by this policy. A command makes fewer retries. */
  readonly retry: RetryPolicy
  /** All streams of this process that read from the server share this limit; without it, there is none. */
  readonly requestsPerSecond?: number | undefined
}

export type AuthConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly account: Account }
  /** Without a token, only cookies carry the session that `ACL.Login` opens. They are always kept. */
  | { readonly kind: 'login'; readonly account: Account; readonly token?: TokenConfig | undefined }

export interface TokenConfig {
  /**
   * Place of the token in the login response: the dotted path of a field, at any level of XML or JSON; the first group
   * of a regular expression; or the whole text.
   */
  readonly from:
    | { readonly kind: 'field'; readonly path: string }
    | { readonly kind: 'pattern'; readonly pattern: string }
    | { readonly kind: 'text' }
  /** How calls carry the token: a query parameter, or a header with an optional prefix of the value (`Bearer `). */
  readonly sendAs:
    | { readonly kind: 'query'; readonly name: string }
    | { readonly kind: 'header'; readonly name: string; readonly prefix?: string | undefined }
}

/** The texts are read again for each connection, so they may change. */
export interface TlsConfig {
  /**
   * Gives the SHA-256 of the only certificates to accept, even if self-signed or expired: hex with or without colons,
   * several in a text separated by commas or line ends. Without it, the certificate is validated.
   */
  readonly fingerprints?: readonly string[] | undefined
  /** CAs to accept in addition to the system's, as PEM text. They have no effect with fingerprints. */
  readonly ca?: string | undefined
  readonly client?: ClientCertificate | undefined
  /** Without it, TLS 1.2 is required. Before TLS 1.2, short keys and SHA-1 are accepted too. */
  readonly minVersion?: TlsVersion | undefined
}

export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
type TlsVersion = (typeof tlsVersions)[number]

/** PEM texts of a certificate and its private key. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

/** The URL is read again for each connection, so it may change. */
export interface ProxyConfig {
  /** `http(s)://[user:password@]host[:port]`, with user and password percent-encoded. */
  readonly url: string
}

/** Holds what only we can tune. Tests shorten the times. */
export const polarisDefaults = {
  timeouts: { connectMs: 10_000, answerMs: 120_000 },
  maxBodyBytes: 16 * 1024 * 1024,
  retry: { retries: Number.POSITIVE_INFINITY, firstPauseMs: 500, maxPauseMs: 30_000, maxRetryAfterMs: 120_000 },
}
