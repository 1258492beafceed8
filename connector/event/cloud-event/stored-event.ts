import { fieldsOf, parsedWithDigits } from '../../runtime/parsed-json.ts'
import type { RecordHeaders } from '../client-event.ts'

/** A record of the events topic, as read. */
export interface StoredEvent {
  readonly key: string | null
  readonly value: string | null
  readonly headers: RecordHeaders
}

/** The place of a record in its topic. */
export interface RecordPlace {
  readonly partition: number
  readonly offset: bigint
  /** The key of the record. */
  readonly key: string | null
  /** Time of the record, in ms since 1970. */
  readonly timeMs: number
}

export interface CloudEvent {
  /** Numbers in them, and in the data, are `rawJson`. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** Decodes the data; undefined if the value is no JSON. */
  data(): unknown
}

/**
 * Returns the event in a record; undefined if the record is no CloudEvent. Its headers tell the mode, never its value:
 * a topic may hold both (Kafka protocol binding 1.0.2).
 */
export function cloudEvent({ key, value, headers }: StoredEvent): CloudEvent | undefined {
  if (headers['content-type']?.startsWith('application/cloudevents') === true) {
    const attributes = fieldsOf(parsedWithDigits(value ?? ''))
    return { attributes, data: () => attributes.data }
  }
  if (headers.ce_specversion === undefined) return undefined
  const attributes: Record<string, unknown> = { subject: key }
  for (const [name, text] of Object.entries(headers)) if (name.startsWith('ce_')) attributes[name.slice(3)] = text
  return { attributes, data: () => parsedWithDigits(value ?? '') }
}
