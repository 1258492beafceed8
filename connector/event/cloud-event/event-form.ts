import {
  type ClientEventParts,
  DATA_SCHEMA,
  EVENT_TYPE,
  eventId,
  type RecordHeaders,
  sequenceText,
  type Tombstone,
  type ValueRecord,
} from '../client-event.ts'

/** Whether the value of a record is the event, or the client, with the attributes of the event in headers. */
export const eventModes = ['structured', 'binary'] as const
export type EventMode = (typeof eventModes)[number]

/** What the events of a stream have in common. */
export interface EventForm {
  readonly mode: EventMode
  /** See `eventSource`. */
  readonly source: string
}

export interface ClientEvent {
  readonly record: ValueRecord
  /** The headers, apart from those that every record has, take at most so many bytes. */
  readonly headerBytes: number
}

/**
 * Makes a CloudEvent 1.0, by the Kafka protocol binding 1.0.2. Subscribers rely on its numbers and marks
 * (docs/decisions/20261202-what-subscribers-rely-on.md).
 */
export function clientEvent(parts: ClientEventParts, { mode, source }: EventForm): ClientEvent {
  return mode === 'binary' ? binaryEvent(parts, source) : structuredEvent(parts, source)
}

function attributesOf(parts: ClientEventParts, source: string) {
  const { clientId } = parts
  return {
    specversion: '1.0',
    type: EVENT_TYPE,
    source,
    id: eventId(parts, source),
    time: new Date(parts.timeMs).toISOString(),
    subject: clientId,
    sequence: sequenceText(parts.sequence),
    dataschema: DATA_SCHEMA,
    ...parts.marks,
  }
}

/**
 * Returns the headers of an event in structured mode: a router needs no value. None begins with `ce_`, which some SDKs
 * take for binary mode, whatever the content type is.
 */
export const structuredHeaders = (source: string): RecordHeaders => ({
  'content-type': 'application/cloudevents+json',
  type: EVENT_TYPE,
  source,
})

function structuredEvent(parts: ClientEventParts, source: string): ClientEvent {
  const { clientId, json } = parts
  const attributes = JSON.stringify(attributesOf(parts, source)).slice(0, -1)
  const value = Buffer.from(`${attributes},"datacontenttype":"application/json","data":${json}}`)
  return { record: { target: 'events', key: clientId, value, headers: sharedHeaders(source) }, headerBytes: 0 }
}

let lastHeaders: RecordHeaders | undefined

/** Returns the headers of the event before, if it is of the same stream: they are encoded once. */
function sharedHeaders(source: string): RecordHeaders {
  if (lastHeaders?.source !== source) lastHeaders = structuredHeaders(source)
  return lastHeaders
}

function binaryEvent(parts: ClientEventParts, source: string): ClientEvent {
  const attributes = Object.entries(attributesOf(parts, source)).filter(([, value]) => value !== undefined)
  const headers = {
    'content-type': 'application/json',
    ...Object.fromEntries(attributes.map(([name, value]) => [`ce_${name}`, String(value)])),
  }
  // A header takes more as JSON than in a record.
  const headerBytes = Buffer.byteLength(JSON.stringify(headers))
  return { record: { target: 'events', key: parts.clientId, value: Buffer.from(parts.json), headers }, headerBytes }
}

export type TombstoneType = 'client.erased' | 'client.removed'

interface TombstoneParts {
  readonly type: TombstoneType
  /** See `eventSource`. */
  readonly source: string
  readonly clientId: string
  readonly id: string
  /** The time of the tombstone in ms since 1970. */
  readonly timeMs: number
}

/**
 * Makes a CloudEvent 1.0 without data for each of these partitions, in binary mode, because compaction requires a
 * record without a value.
 */
export function tombstones(
  { type, source, clientId, id, timeMs }: TombstoneParts,
  partitions: readonly number[],
): Tombstone[] {
  const headers = {
    ce_specversion: '1.0',
    ce_type: type,
    ce_source: source,
    ce_id: id,
    ce_time: new Date(timeMs).toISOString(),
    ce_subject: clientId,
  }
  return partitions.map((partition) => ({ target: 'events', partition, key: clientId, value: null, headers }))
}
