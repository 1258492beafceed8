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
  /** Upper bound of what the headers take, apart from those that every record has. */
  readonly headerBytes: number
}

/** A CloudEvent 1.0, by the Kafka protocol binding 1.0.2. */
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
    partitionkey: clientId,
  }
}

/** The headers of an event in structured mode: a router needs no value. */
export const structuredHeaders = (type: string, source: string): RecordHeaders => ({
  'content-type': 'application/cloudevents+json',
  ce_type: type,
  ce_source: source,
})

/** `ce_historycomplete`: the first history of the stream has been read. A subscriber sees that the first load is over. */
function marks({ republished, isHistoryComplete }: ClientEventParts): RecordHeaders {
  const again = republished === undefined ? {} : { ce_republished: republished }
  return isHistoryComplete === true ? { ...again, ce_historycomplete: 'true' } : again
}

function structuredEvent(parts: ClientEventParts, source: string): ClientEvent {
  const { clientId, republished, json } = parts
  const attributes = {
    ...attributesOf(parts, source),
    datacontenttype: 'application/json',
    dataschema: DATA_SCHEMA,
    republished,
  }
  const value = Buffer.from(`${JSON.stringify(attributes).slice(0, -1)},"data":${json}}`)
  return { record: { to: 'events', key: clientId, value, headers: sharedHeaders(parts, source) }, headerBytes: 0 }
}

let shared: { readonly of: string; readonly headers: RecordHeaders } | undefined

/** Those of the event before, if they are the same: they are encoded once. */
function sharedHeaders(parts: ClientEventParts, source: string): RecordHeaders {
  const of = `${source} ${parts.republished} ${parts.isHistoryComplete}`
  if (shared?.of !== of) shared = { of, headers: { ...structuredHeaders(EVENT_TYPE, source), ...marks(parts) } }
  return shared.headers
}

function binaryEvent(parts: ClientEventParts, source: string): ClientEvent {
  const attributes = Object.entries({ ...attributesOf(parts, source), dataschema: DATA_SCHEMA })
  const headers = {
    'content-type': 'application/json',
    ...Object.fromEntries(attributes.map(([name, text]) => [`ce_${name}`, text])),
    ...marks(parts),
  }
  // As JSON, a header takes more than in a record.
  const headerBytes = Buffer.byteLength(JSON.stringify(headers))
  return { record: { to: 'events', key: parts.clientId, value: Buffer.from(parts.json), headers }, headerBytes }
}

export const tombstoneTypes = ['client.erased', 'client.removed'] as const
export type TombstoneType = (typeof tombstoneTypes)[number]

interface TombstoneParts {
  readonly type: TombstoneType
  /** See `eventSource`. */
  readonly source: string
  readonly clientId: string
  readonly id: string
  /** Milliseconds since 1970. */
  readonly timeMs: number
}

/**
 * A CloudEvent 1.0 without data, in binary mode, because compaction requires a record without a value. One for each
 * partition: the topic may have got more of them since the client was published.
 */
export function tombstones({ type, source, clientId, id, timeMs }: TombstoneParts, partitions: number): Tombstone[] {
  const headers = {
    ce_specversion: '1.0',
    ce_type: type,
    ce_source: source,
    ce_id: id,
    ce_time: new Date(timeMs).toISOString(),
    ce_subject: clientId,
    ce_partitionkey: clientId,
  }
  return Array.from({ length: partitions }, (_, partition): Tombstone => {
    return { to: 'events', partition, key: clientId, value: null, headers }
  })
}
