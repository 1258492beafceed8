import type { StreamConfig } from '../../config/connector-config.ts'
import type { RecordHeaders, ValueRecord } from '../../event/client-event.ts'
import { type EventPlace, outgoingRecord } from '../../event/outgoing-record.ts'
import type { ReadClient } from '../../event/read-client.ts'
import { emptyIndex } from '../../index/index-state.ts'
import { fieldsOf, parsedWithDigits, rawJson, rawText } from '../../runtime/parsed-json.ts'
import { type InspectionReader, inspectedPages } from '../inspected-pages.ts'

/** A record as it would be published. */
export interface PreviewedRecord {
  readonly topic: string
  /** The client id; null in a dead letter without one. */
  readonly key: string | null
  readonly headers: Readonly<Record<string, unknown>>
  /** The event, the client in binary mode, or the dead letter. */
  readonly value: Readonly<Record<string, unknown>>
}

interface PreviewParts {
  readonly stream: StreamConfig
  readonly isMasked: boolean
  /** Number of records. */
  readonly limit: number
}

interface Preview {
  readonly records: PreviewedRecord[]
  /** The clients in events, as JSON and unmasked. */
  readonly contents: readonly string[]
  readonly lists: readonly string[]
  /** The configured paths that no client has, as `ConfiguredPaths` returns them. */
  readonly missingPaths: readonly string[]
}

/**
 * Resolves to the records of the first clients from the reader's beginning, as if nothing was published of them yet.
 * Rejects with `source.*` or the reason of `stop`.
 */
export async function previewRecords(
  reader: InspectionReader,
  { stream, isMasked, limit }: PreviewParts,
  stop: AbortSignal,
): Promise<Preview> {
  const records: PreviewedRecord[] = []
  const contents: string[] = []
  let lists: readonly string[] = []
  let matched: readonly string[] = []
  const add = (client: ReadClient, place: Pick<EventPlace, 'readAt' | 'idField'>) => {
    const { kind, record } = outgoingRecord(
      client,
      { ...place, sequence: contents.length, previous: `g${emptyIndex.generation}`, marks: { snapshot: true } },
      stream.events,
    )
    if (kind === 'event') contents.push(client.json)
    const { events, deadLetters } = stream.kafka.topic
    records.push(shownRecord(record, { topic: kind === 'event' ? events : deadLetters, isMasked }))
  }
  for await (const { clients, scan, readAt, mapping } of inspectedPages(reader, stop)) {
    const pageMapping = mapping[scan.output]
    lists = [...reader.configuredFields.lists, ...mapping.lists]
    matched = pageMapping?.matched ?? matched
    const place = { readAt: readAt.server, idField: pageMapping?.clientId ?? '' }
    for (const client of clients.slice(0, limit - records.length)) add(client, place)
    if (records.length >= limit) break
  }
  return { records, contents, lists, missingPaths: reader.configuredPaths.missing(matched) }
}

function shownRecord(
  { key, value, headers }: ValueRecord,
  { topic, isMasked }: { topic: string; isMasked: boolean },
): PreviewedRecord {
  const fields = fieldsOf(parsedWithDigits(value.toString()))
  if (!isMasked) return { topic, key, headers, value: fields }
  // In binary mode the value is the client, whose fields may have the names of attributes.
  const isClient = isBinary(headers)
  return {
    topic,
    key: key === null ? null : maskedText(key),
    headers: maskedRecord(headers),
    value: isClient ? maskedFields(fields) : maskedRecord(fields),
  }
}

const isBinary = (headers: RecordHeaders) => 'ce_specversion' in headers

const MAX_LENGTH = 40
/** The attributes of an event and the fields of a dead letter that say nothing about a client. */
const KEPT: ReadonlySet<string> = new Set([
  'content-type',
  'specversion',
  'type',
  'source',
  'sequence',
  'snapshot',
  'datacontenttype',
  'dataschema',
  'code',
  'field',
  'bytes',
])

/**
 * Returns the value or the headers of a record without what they say about the client: names, types and numbers of
 * fields stay. Numbers are `rawJson`.
 */
export function maskedRecord(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isKept = (name: string) => KEPT.has(name.replace(/^ce_/, ''))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, isKept(name) ? item : maskedValue(item)]),
  )
}

function maskedValue(value: unknown): unknown {
  if (typeof value === 'string') return maskedText(value)
  if (Array.isArray(value)) return value.map(maskedValue)
  const digits = rawText(value)
  if (digits !== undefined) return rawJson(digits.replaceAll(/\d/g, '9'))
  if (typeof value !== 'object' || value === null) return maskedText(String(value))
  return maskedFields(value)
}

const maskedFields = (fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, item]) => [name, maskedValue(item)]))

/**
 * Returns the form of a text (invariant 8). A digit becomes `9`, a letter `x`, a word `xxx` whatever its length,
 * everything else but spaces and punctuation `x`; a long text is cut.
 */
export function maskedText(text: string): string {
  const form = text
    .replaceAll(/[\p{L}\p{M}]+/gu, (word) => (word.length === 1 ? 'x' : 'xxx'))
    .replaceAll(/\p{N}/gu, '9')
    .replaceAll(/[^ \t\r\n!-~]/gu, 'x')
  return form.length > MAX_LENGTH ? `${form.slice(0, MAX_LENGTH)}…` : form
}
