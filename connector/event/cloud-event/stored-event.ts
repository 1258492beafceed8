import { fieldsOf, parsedFields, parsedJson } from '../../runtime/parsed-json.ts'
import type { RecordHeaders } from '../client-event.ts'

/** A record of the events topic, as read. */
export interface StoredEvent {
  readonly key: string | null
  readonly value: string | null
  readonly headers: RecordHeaders
}

/** Where a record is in its topic. */
export interface RecordPlace {
  readonly partition: number
  readonly offset: bigint
  /** The key of the record. */
  readonly key: string | null
  /** Time of the record, in ms since 1970. */
  readonly timeMs: number
}

export interface CloudEvent {
  readonly attributes: Readonly<Record<string, unknown>>
  /** `parse`: how to read JSON; by default as usual. */
  data(parse?: (text: string) => unknown): unknown
}

/**
 * Undefined: the record is no CloudEvent. Its headers tell the mode, never its value: a topic may hold both (Kafka
 * protocol binding 1.0.2).
 */
export function cloudEvent({ key, value, headers }: StoredEvent): CloudEvent | undefined {
  if (headers['content-type']?.startsWith('application/cloudevents') === true) {
    const event = parsedFields(value ?? '')
    const data: CloudEvent['data'] = (parse) => (parse === undefined ? event : fieldsOf(parse(value ?? ''))).data
    return { attributes: event, data }
  }
  if (headers.ce_specversion === undefined) return undefined
  const attributes: Record<string, unknown> = { subject: key }
  for (const [name, text] of Object.entries(headers)) if (name.startsWith('ce_')) attributes[name.slice(3)] = text
  return { attributes, data: (parse = parsedJson) => (value === null ? undefined : parse(value)) }
}

/** The sequence number of an event; undefined if the record is not an event of this source. */
export function sequenceOf(record: StoredEvent, source: string): number | undefined {
  const { attributes = {} } = cloudEvent(record) ?? {}
  return attributes.source === source && attributes.sequence !== undefined ? Number(attributes.sequence) : undefined
}

/** The `source` of any stream. */
const sourcePattern = /^\/polaris\/[a-z0-9-]+\/[a-z0-9-]+$/

/** Who wrote a record: the `source` of a stream, or `another producer`, whose records may contain anything. */
export function writerOf(record: StoredEvent): string {
  const source = cloudEvent(record)?.attributes.source
  return typeof source === 'string' && sourcePattern.test(source) ? source : 'another producer'
}
