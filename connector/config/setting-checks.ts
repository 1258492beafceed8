import { parseSourceTime, timeFormat } from '../source/source-time.ts'
import { parseCheckpointUrl } from '../storage/checkpoint-store-config.ts'

/** Names of connectors and streams: they become part of transactional ids, groups, topics and object keys. */
export const isName = (text: string) => /^[a-z0-9-]{1,63}$/.test(text)
export const nameRule = 'is no name: write lower-case letters, digits and hyphens, at most 63'

/** What the connector itself calls `<connector>.<name>` at the broker. */
const taken = ['doctor', 'slots']
export const isStreamName = (text: string) => isName(text) && !taken.includes(text)
export const streamNameRule = `${nameRule}; ${taken.join(' and ')} are taken`

/** `host:port`; kafkajs takes no IPv6 literals. */
export const isBroker = (text: string) => /^[^\s:/@]+:[0-9]{1,5}$/.test(text)
export const brokerRule = 'is no broker: write host:port (an IPv6 address needs a host name)'

export const isTopic = (text: string) => /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/.test(text)
export const topicRule = "is no topic name: write letters, digits, '.', '_' and '-', at most 249"

export const httpUrlRule = 'is no address: write http(s)://host[:port][/path], without user, query or fragment'
export function isHttpUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && isBare(url)
}

const isBare = (url: URL) => url.username === '' && url.password === '' && url.search === '' && url.hash === ''

export const checkpointUrlRule = 'is no checkpoint store: write s3://bucket/prefix or file:directory'
export const isCheckpointUrl = (text: string) => isDone(() => parseCheckpointUrl(text))

export const timeZoneRule = 'is no time zone: write an IANA name like Europe/Paris'
export const isTimeZone = (text: string) => isDone(() => new Intl.DateTimeFormat('en', { timeZone: text }))

export const timeFormatRule =
  'is no pattern of a date: write yyyy MM dd HH mm ss SSS XXX, other letters in single quotes'
export const isTimeFormat = (text: string) => isDone(() => timeFormat(text, 'UTC'))

export const lastChangedRule =
  "is no date: write 2024-01-31 or 2024-01-31T13:45:00, by the server's wall clock, or with an offset or Z"
export const isLastChanged = (text: string) => parseSourceTime(text, 'UTC') !== undefined

export const fingerprintRule = 'is no SHA-256 fingerprint: write its 64 hexadecimal digits, with or without colons'
export const isFingerprint = (text: string) => /^[0-9a-f]{64}$/i.test(text.replaceAll(':', ''))

export const pemRule = 'is no PEM text and no path of a PEM file'
export const isPem = (text: string) => text.includes('-----BEGIN ')

export const fieldPathRule = 'is no field: write a name or a dotted path like Adresse.CodePostal'
export const isFieldPath = (text: string) => /^[^\s.]+(\.[^\s.]+)*$/.test(text)

export const patternRule = 'is no regular expression with a group'
export function isPatternWithGroup(text: string): boolean {
  try {
    return (new RegExp(`${text}|`).exec('')?.length ?? 0) > 1
  } catch {
    return false
  }
}

export const headerNameRule = 'is no header name'
export const isHeaderName = (text: string) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)

function isDone(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}
