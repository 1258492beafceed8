import type { RetryPolicy } from '../runtime/retry.ts'

/** How to reach one Polaris server and how it talks. Texts, not file names; checked by whoever fills it in. */
export interface PolarisConfig {
  /** `http(s)://host[:port][/path]`, without credentials and query; without a path, `/core/api/` is meant. */
  readonly url: string
  readonly auth: AuthConfig
  /** Absent: the system's CAs. Without meaning for `http:`. */
  readonly tls?: TlsConfig | undefined
  /** 32-bit integer. */
  readonly codeMagasin: number
  /** Sent with every call when set. */
  readonly prefixCle?: string | undefined
  /** How pages are asked for: GET with a query, or POST with a form. */
  readonly method: 'GET' | 'POST'
  /** IANA name of the server's zone. */
  readonly timeZone: string
  /** Pattern of `lastChanged` in the request: `yyyy MM dd HH mm ss SSS XXX` and quoted or non-letter text (see `source-time.ts`). */
  readonly lastChangedFormat: string
  /** Name or dotted path of the list of clients in the answer; absent: recognised. */
  readonly clientsField?: string | undefined
  /** Dotted paths inside a client (`Cartes`, `Adresse.Telephones`) that are always lists. */
  readonly listFields: readonly string[]
  readonly timeouts: SourceTimeouts
  /** Cap of an answer's body, on the wire and again after gunzip. */
  readonly maxBodyBytes: number
  readonly retry: RetryPolicy
  readonly limits: ServerLimits
}

/** What the server is asked at most, by all streams of this process that read from it (same scheme, host and port). */
export interface ServerLimits {
  readonly concurrentRequests: number
  /** Absent: no limit. */
  readonly requestsPerSecond?: number | undefined
}

export type AuthConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'login'; readonly user: string; readonly password: string; readonly login: LoginConfig }

/** How `ACL.Login` is called and how the session is carried afterwards; cookies are always kept. */
export interface LoginConfig {
  /** POST keeps the password out of URLs and access logs. */
  readonly method: 'POST' | 'GET'
  /** Absent: cookies alone carry the session. */
  readonly token?: TokenConfig | undefined
}

export interface TokenConfig {
  /**
   * Where the login answer has it: the name or dotted path of a field (XML or JSON; any root), the first group of a regular expression
   * over the text, or the whole text.
   */
  readonly from:
    | { readonly kind: 'field'; readonly path: string }
    | { readonly kind: 'pattern'; readonly pattern: string }
    | { readonly kind: 'text' }
  /** How calls carry it: as a parameter of the query, or as a header whose value may start with a prefix (`Bearer `). */
  readonly sendAs:
    | { readonly kind: 'query'; readonly name: string }
    | { readonly kind: 'header'; readonly name: string; readonly prefix?: string | undefined }
}

export interface TlsConfig {
  /** SHA-256 of the certificate, hex with or without colons: exactly this one is accepted, self-signed or expired too, and no other. */
  readonly fingerprint?: string | undefined
  /** PEM texts of CAs accepted besides the system's. Without meaning beside a fingerprint. */
  readonly ca?: string | undefined
}

/** Milliseconds. */
export interface SourceTimeouts {
  readonly connectMs: number
  /** From the request sent to the answer's headers. */
  readonly headersMs: number
  /** From the headers to the last byte of the body. */
  readonly bodyMs: number
}

/** The values that hold unless an operator says otherwise; the schema of the configuration takes its defaults from here. */
export const polarisDefaults = {
  method: 'GET',
  timeZone: 'Europe/Paris',
  lastChangedFormat: "yyyy-MM-dd'T'HH:mm:ss",
  listFields: [],
  loginMethod: 'POST',
  timeouts: { connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 },
  maxBodyBytes: 32 * 1024 * 1024,
  // Few tries per read: the pipeline goes on trying for ever, and a refused checkPoint shows only once the tries are spent.
  retry: { retries: 4, firstPauseMs: 500, maxPauseMs: 15_000, maxRetryAfterMs: 120_000 },
  limits: { concurrentRequests: 8 },
} as const
