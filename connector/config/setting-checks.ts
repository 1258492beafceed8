import { parseProxyUrl } from '../source/polaris/http/proxy-url.ts'
import { normalFingerprint } from '../source/polaris/http/secure-context.ts'
import { parseSourceTime, timeFormat } from '../source/source-time.ts'
import { checkpointPlace } from '../storage/checkpoint-store-config.ts'
import { durationMs } from './units.ts'

/** Names of connectors and streams are part of transactional ids, consumer groups, topics and object keys. */
export const isName = (text: string) => /^[a-z0-9-]{1,63}$/.test(text)
export const nameRule = 'must be 1 to 63 lower-case letters, digits and hyphens'

/** The connector itself uses `<connector>.<name>` in Kafka. */
const reserved = ['doctor', 'slots']
export const isStreamName = (text: string) => isName(text) && !reserved.includes(text)
export const streamNameRule = `${nameRule}; ${reserved.join(' and ')} are reserved`

/** kafkajs does not support IPv6 literals. */
export const isBroker = (text: string) => /^[^\s:/@]+:[0-9]{1,5}$/.test(text)
export const brokerRule = 'must be host:port; an IPv6 address must have a host name'

export const isTopic = (text: string) => /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/.test(text)
export const topicRule = "must be a topic name: 1 to 249 letters, digits, '.', '_' and '-'"

export const httpUrlRule = 'must be http(s)://host[:port][/path], without user, query or fragment'
export function isHttpUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && isBare(url)
}

const isBare = (url: URL) => url.username === '' && url.password === '' && url.search === '' && url.hash === ''

export const isCheckpointUrl = (text: string) => typeof checkpointPlace(text) !== 'string'
/** Why `isCheckpointUrl` rejects a text. */
export const checkpointUrlRule = (text: string) => String(checkpointPlace(text))

export const timeZoneRule = 'must be an IANA time zone such as Europe/Paris'
export const isTimeZone = (text: string) => isAccepted(() => new Intl.DateTimeFormat('en', { timeZone: text }))

export const timeFormatRule =
  'must be a date pattern of yyyy MM dd HH mm ss SSS XXX, with other letters in single quotes'
export const isTimeFormat = (text: string) => isAccepted(() => timeFormat(text, 'UTC'))

export const lastChangedRule =
  "must be a date such as 2024-01-31 or 2024-01-31T13:45:00, in the server's local time or with an offset or Z"
export const isLastChanged = (text: string) => parseSourceTime(text, 'UTC') !== undefined

export const fingerprintRule =
  'must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons, or the line that openssl prints'
export const isFingerprint = (text: string) => /^[0-9a-f]{64}$/.test(normalFingerprint(text))

export const proxyRule =
  'must be http(s)://[user:password@]host[:port] or none; percent-encode special characters in user and password'
export const isProxy = (text: string) => text === 'none' || parseProxyUrl(text) !== undefined

/** Headers that the connector sets itself, or that concern one connection only. */
const ownHeaders =
  /^(?:host|connection|keep-alive|proxy-.*|transfer-encoding|te|trailer|upgrade|expect|content-.*|accept|accept-encoding|user-agent|cookie)$/i
/** Why a header cannot be configured; undefined if it can. */
export function headerProblem(name: string, value: string): string | undefined {
  if (!isHeaderName(name)) return headerNameRule
  if (ownHeaders.test(name)) return 'is set by the connector: remove it'
  return /^[\t\x20-\x7e]+$/.test(value) ? undefined : 'must have a value of printable ASCII characters'
}

export const pemRule = 'must be PEM text or the path of a PEM file'
export const isPem = (text: string) => text.includes('-----BEGIN ')

export const fieldPathRule = 'must be a field name or a dotted path such as Adresse.CodePostal'
export const isFieldPath = (text: string) => /^[^\s.]+(\.[^\s.]+)*$/.test(text)

/** The text of field rules separates them by `,` and `=`. */
export const rulePathRule = 'must be a field name or a dotted path such as Adresse.CodePostal, without , = and *'
export const isRulePath = (text: string) => isFieldPath(text) && !/[,=*]/.test(text)

export const hmacKeyRule = 'must have at least 32 characters: create it with openssl rand -base64 32'
export const isHmacKey = (text: string) => text.length >= 32

export const patternRule = 'must be a regular expression with a capturing group'
export function isPatternWithGroup(text: string): boolean {
  try {
    return (new RegExp(`${text}|`).exec('')?.length ?? 0) > 1
  } catch {
    return false
  }
}

const headerNameRule = 'must be an HTTP header name'
const isHeaderName = (text: string) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)

export const lookBackRule = 'must be reach/every with two durations, such as 26h/6h'
export function isLookBack(text: string): boolean {
  const durations = text.split('/').map(durationMs)
  return durations.length === 2 && durations.every((ms) => ms !== undefined && ms > 0)
}

export const hoursRule = 'must be two times of day, such as 01:00-05:00'
export const isHours = (text: string) => /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/.test(text)

export const tokenHeaderRule =
  'must be an HTTP header name, such as X-Token, or name and scheme, such as Authorization: Bearer'
export function isTokenHeader(text: string): boolean {
  const [name = '', scheme, ...rest] = text.split(/: */)
  return isHeaderName(name) && rest.length === 0 && (scheme === undefined || /^[!-~]+$/.test(scheme))
}

function isAccepted(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}
