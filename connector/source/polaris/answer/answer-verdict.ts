import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import { serverOf } from '../../../runtime/network-cause.ts'
import type { AuthConfig } from '../polaris-config.ts'
import { ifTls } from './network-error.ts'

/** Facts about a response that is not a page. Never its content. */
export interface AnswerFacts {
  readonly url: URL
  readonly status: number
  readonly contentType: string | undefined
  readonly body: Pick<Buffer, 'length'>
  /** The `Retry-After` header. */
  readonly retryAfter?: string | undefined
  /** The authentication schemes of `WWW-Authenticate`. */
  readonly schemes?: readonly string[] | undefined
}

interface Verdict {
  readonly from: number
  readonly to: number
  readonly code: ErrorCode
  readonly message: string
}

const verdict = (from: number, to: number, code: ErrorCode, message: string): Verdict => ({ from, to, code, message })

/** HTTP status → verdict. The first match applies. */
const statusVerdicts: readonly Verdict[] = [
  verdict(204, 205, 'source.answer-not-a-page', 'the response has no content'),
  verdict(206, 206, 'source.answer-truncated', 'the response is partial, which was not requested'),
  verdict(300, 399, 'source.answer-not-a-page', 'the redirect cannot be followed'),
  verdict(403, 403, 'source.forbidden', `the server denies access; ${rights()}`),
  verdict(
    404,
    404,
    'source.function-missing',
    'the server has no Client.GetClientsModified at this URL: POLARIS_URL is wrong, the server is starting, or the service was withdrawn (its successor is WebConnect)',
  ),
  verdict(408, 408, 'source.timeout', 'the server did not receive the request in time'),
  verdict(429, 429, 'source.throttled', 'the server received too many requests'),
  verdict(400, 499, 'source.request-refused', 'the server refuses the request'),
  verdict(501, 501, 'source.request-refused', 'the server does not support the request'),
  verdict(500, 599, 'source.server-error', 'the server failed'),
]

function rights(): string {
  return 'the call needs the right «consultation des membres clients» or «saisie des membres clients»'
}

/**
 * The error for a status; undefined if the body decides. `access`: how the call was made. `nowMs`: time of the response,
 * for a `Retry-After` date.
 */
export function statusError(facts: AnswerFacts, access: Access, nowMs: number): ConnectorError | undefined {
  const { status, url } = facts
  const found = status === 401 ? unauthorized(facts, access) : statusVerdicts.find(isOf(status))
  if (found === undefined) return undefined
  const more = status === 400 ? ifTls(url) : ''
  return new ConnectorError(found.code, `read clients: ${found.message}${more} (${describe(facts)})`, {
    retryAfterMs: retryAfterMs(facts.retryAfter, nowMs),
  })
}

const isOf = (status: number) => (row: Verdict) => row.from <= status && status <= row.to

/** Status, content type and size of a response, and the URL without its query, for messages. */
export function describe({ url, status, contentType, body }: AnswerFacts): string {
  const type = /^\s*([a-z]+\/[\w.+-]{1,60})/i.exec(contentType ?? '')?.[1] ?? 'no content type'
  return `status ${status}, ${type}, ${body.length} bytes from ${serverOf(url)}${url.pathname}`
}

/** The error for missing rights, whatever the status. */
export function forbidden(facts: AnswerFacts): ConnectorError {
  return new ConnectorError('source.forbidden', `read clients: ${rights()} (${describe(facts)})`)
}

/** Parses `Retry-After` in seconds or as a date; undefined if it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

/** How a stream authenticates: `polaris.auth`, and the scheme of the token that its calls carry. */
export interface Access {
  readonly auth: AuthConfig['kind']
  /** In lower case, such as `bearer`. */
  readonly tokenScheme?: string | undefined
}

export function accessOf(auth: AuthConfig): Access {
  const sendAs = auth.kind === 'login' ? auth.login.token?.sendAs : undefined
  return { auth: auth.kind, tokenScheme: sendAs?.kind === 'header' ? sendAs.prefix?.trim().toLowerCase() : undefined }
}

/** What a 401 means. Without an offer that the connector can accept, it is not about user and password. */
export function unauthorized(
  { url, schemes = [] }: { readonly url: URL; readonly schemes?: readonly string[] | undefined },
  { auth, tokenScheme }: Access,
): { readonly code: ErrorCode; readonly message: string } {
  const isSupported = (scheme: string) => ['basic', tokenScheme].includes(scheme.toLowerCase())
  const offered = schemes.join(', ')
  if (schemes.length > 0 && !schemes.some(isSupported)) {
    const path = url.pathname.replace(/[^/]*$/, '')
    return {
      code: 'source.authentication-unsupported',
      message: `the server requires authentication by ${offered}, which is not supported: enable Basic or anonymous access for ${path} in IIS`,
    }
  }
  const isBasicOffered = schemes.includes('Basic')
  const message =
    auth === 'none'
      ? `the server requires ${isBasicOffered ? 'Basic ' : ''}authentication, and POLARIS_AUTH is none`
      : `the server refuses the user${auth === 'basic' || schemes.length === 0 ? '' : `; it offers ${offered}`}`
  return { code: 'source.unauthorized', message }
}

/** The registered authentication schemes, and those of Windows. */
const known = [
  ...['Basic', 'Digest', 'Bearer', 'NTLM', 'Negotiate', 'Kerberos', 'DPoP', 'GNAP', 'HOBA', 'Mutual', 'OAuth'],
  ...['PrivateToken', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'vapid'],
]
const byName = new Map(known.map((name) => [name.toLowerCase(), name]))

/**
 * The schemes in the `WWW-Authenticate` headers, without their parameters. Invariant 8: other names, which may be
 * anything, are shown as `another scheme`.
 */
export function offeredSchemes(headers: readonly string[]): readonly string[] {
  const names = headers.flatMap((header) => {
    const parts = header
      .slice(0, 4000)
      .replace(/"[^"]*"/g, '""')
      .split(',')
    return parts.flatMap((part) => /^\s*([\w.-]+)(?!\s*=)(?:\s|$)/.exec(part)?.[1] ?? [])
  })
  return [...new Set(names.map((name) => byName.get(name.toLowerCase()) ?? 'another scheme'))]
}
