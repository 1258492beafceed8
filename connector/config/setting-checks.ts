import { parseProxyUrl } from '../source/polaris/http/proxy.ts'
import { normalFingerprint } from '../source/polaris/http/tls.ts'
import { parseSourceTime, sourceTimeText, timeFormat } from '../source/source-time.ts'
import { checkpointPlace } from '../storage/checkpoint-store-config.ts'

/** What a text must be besides text. */
export interface Check {
  readonly isValid: (text: string) => boolean
  /** It says what is wrong with a text that is not valid. */
  readonly rule: string | ((text: string) => string)
  /** The pattern of the JSON schema. Helm knows no look-ahead. */
  readonly pattern?: RegExp
}

const patternCheck = (pattern: RegExp, rule: Check['rule']): Check => ({ isValid: (text) => pattern.test(text), rule })

const nameText = /^[a-z0-9-]{1,63}$/
const nameRule = 'must be 1 to 63 lower-case letters, digits and hyphens'
/** Names of connectors and streams are part of transactional ids, consumer groups, topics and object keys. */
export const name: Check = { ...patternCheck(nameText, nameRule), pattern: nameText }

/** The connector itself uses `<connector>.doctor` and `<connector>.slots` in Kafka. */
export const streamName: Check = {
  isValid: (text) => nameText.test(text) && text !== 'doctor' && text !== 'slots',
  rule: `${nameRule}; doctor and slots are reserved`,
  pattern: nameText,
}

/** kafkajs does not support IPv6 literals. */
export const broker = patternCheck(/^[^\s:/@]+:[0-9]{1,5}$/, 'must be host:port; an IPv6 address must have a host name')

export const topic = patternCheck(
  /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
  "must be a topic name: 1 to 249 letters, digits, '.', '_' and '-'",
)

const httpUrlRule = 'must be http(s)://host[:port][/path], without user, query or fragment'
export const httpUrl: Check = { isValid: isHttpUrl, rule: httpUrlRule }
function isHttpUrl(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && isBare(url)
}

export const isHttps = (url: string) => new URL(url).protocol === 'https:'

const isBare = (url: URL) => url.username === '' && url.password === '' && url.search === '' && url.hash === ''

const loopback = /^((.*\.)?localhost|127(\.\d+){3}|\[::1\])$/

/** A request for a token contains the client secret. */
export const tokenEndpoint: Check = {
  isValid: (text) => isHttpUrl(text) && (isHttps(text) || loopback.test(new URL(text).hostname)),
  rule: (text) =>
    isHttpUrl(text) ? 'must be https:, because the client secret is sent to it; http: only on loopback' : httpUrlRule,
}

export const checkpointUrl: Check = {
  isValid: (text) => typeof checkpointPlace(text) !== 'string',
  rule: (text) => String(checkpointPlace(text)),
}

export const timeZone: Check = {
  isValid: (text) => isAccepted(() => new Intl.DateTimeFormat('en', { timeZone: text })),
  rule: 'must be an IANA time zone such as Europe/Paris',
}

export const datePattern: Check = {
  isValid: (text) => isAccepted(() => timeFormat(text, 'UTC')) && hasDate(text.replaceAll(/'[^']*'/g, ' ')),
  rule: 'must be a date pattern of yyyy MM dd and HH mm ss SSS XXX, with other letters in single quotes',
}

const hasDate = (pattern: string) => ['yyyy', 'MM', 'dd'].every((part) => pattern.includes(part))

export const lastChanged: Check = {
  isValid: (text) => parseSourceTime(text, 'UTC') !== undefined,
  rule: "must be a date such as 2024-01-31 or 2024-01-31T13:45:00, in the server's local time or with an offset or Z",
  pattern: sourceTimeText,
}

export const fingerprint: Check = {
  isValid: (text) => /^[0-9a-f]{64}$/.test(normalFingerprint(text)),
  rule: 'must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons, or the line that openssl prints',
}

export const proxy: Check = {
  isValid: (text) => parseProxyUrl(text) !== undefined,
  rule: 'must be http(s)://[user:password@]host[:port]; percent-encode special characters in user and password',
}

/** Headers that the connector sets itself, or that concern one connection only. */
const ownHeaders =
  /^(?:host|connection|keep-alive|proxy-.*|transfer-encoding|te|trailer|upgrade|expect|content-.*|accept|accept-encoding|user-agent|cookie)$/i
const isHeaderName = (text: string) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)

export const headerName: Check = {
  isValid: (text) => isHeaderName(text) && !ownHeaders.test(text),
  rule: (text) =>
    ownHeaders.test(text) ? `${text} is set by the connector: remove it` : 'must be an HTTP header name',
}

export const headerValue = patternCheck(/^[\t\x20-\x7e]+$/, 'must have a value of printable ASCII characters')

/** It accepts a query parameter, `?token`, or a header with an optional scheme. */
export const tokenCarrier: Check = {
  isValid: (text) => {
    if (text.startsWith('?')) return /^\?[^\s?&=#]+$/.test(text)
    const [header = '', scheme = 'none', ...rest] = text.split(/: */)
    return isHeaderName(header) && /^[!-~]+$/.test(scheme) && rest.length === 0
  },
  rule: 'must be a header such as X-Token, a header and scheme such as Authorization: Bearer, or a query parameter such as ?token',
}

export const pem = patternCheck(/-----BEGIN /, 'must be PEM text or the path of a PEM file')

const fieldPathRule = 'must be a field name or a dotted path such as Adresse.CodePostal'
export const fieldPath = patternCheck(/^[^\s.]+(\.[^\s.]+)*$/, fieldPathRule)

/** A path in a list or a map: in a variable, `,` separates them. */
export const rulePath = patternCheck(
  /^(?!.*#text)[^\s.,=*]+(\.[^\s.,=*]+)*$/i,
  `${fieldPathRule}, without , = * and #text: a rule names an element and covers its text, with attributes and without`,
)

export const hmacKey = patternCheck(
  /^.{32,}$/s,
  'must have at least 32 characters: create it with openssl rand -base64 32',
)

export const patternWithGroup = {
  isValid: (text: string) => isAccepted(() => new RegExp(text)) && (new RegExp(`${text}|`).exec('')?.length ?? 0) > 1,
}

export const tokenPlace: Check = {
  isValid: (text) => patternWithGroup.isValid(text) || (fieldPath.isValid(text) && !/[()]/.test(text)),
  rule: `${fieldPathRule}, or a regular expression with a capturing group`,
}

export const lookBack = {
  isValid: (text: string) => {
    const parts = text.split('/').map(durationMs)
    return parts.length === 2 && parts.every((ms = 0) => ms > 0 && ms <= LONGEST_MS)
  },
  rule: 'must be reach/every with two durations, such as 26h/6h',
} satisfies Check

function isAccepted(attempt: () => unknown) {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

/** How a number with a unit is written. */
export interface Quantity {
  readonly rule: string
  /** The largest one. */
  readonly most: string
  /** The generated JSON schema has this pattern as well. */
  readonly pattern: RegExp
  /** Returns the number; undefined for anything else. */
  readonly parse: (text: string) => number | undefined
}

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const durationRule = 'must be a duration such as 500ms, 5s, 5m, 12h or 7d'
const LONGEST_MS = 3_650 * durationUnits.d
export const durations = quantity(durationRule, '3650d', durationUnits)

const sizeUnits = { B: 1, kB: 1000, KiB: 1024, MB: 1e6, MiB: 1024 ** 2, GB: 1e9, GiB: 1024 ** 3 }
export const sizes = quantity('must be a size such as 900kB, 1MB or 32MiB', '2GB', sizeUnits)

/** Returns a duration such as `5m` in milliseconds. */
export const durationMs = durations.parse

function quantity(rule: string, most: string, units: Readonly<Record<string, number>>): Quantity {
  const pattern = new RegExp(`^[0-9]+(${Object.keys(units).join('|')})$`)
  return {
    rule,
    most,
    pattern,
    parse: (text) => {
      const factor = units[pattern.exec(text)?.[1] ?? '']
      const total = factor === undefined ? Number.NaN : Number.parseInt(text, 10) * factor
      return Number.isSafeInteger(total) ? total : undefined
    },
  }
}
