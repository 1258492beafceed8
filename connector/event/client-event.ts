import { hash } from 'node:crypto'
import { parsedFields } from '../runtime/parsed-json.ts'

/** One Kafka record. A stream writes to the topics `events`, `deadLetters` and, if it is configured, `progress`. */
export type OutgoingRecord = ValueRecord | Tombstone

export interface ValueRecord {
  readonly to: 'events' | 'deadLetters' | 'progress'
  /** The client id; null in a dead letter without one; what progress is about. Determines the partition (Java-compatible murmur2). */
  readonly key: string | null
  /** JSON text. */
  readonly value: string
  /** Absent: those of all records of its topic. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Deletes the client from a compacted topic. */
export interface Tombstone {
  readonly to: 'events'
  readonly key: string
  readonly value: null
  readonly headers: Readonly<Record<string, string>>
}

/** A record of the events topic, as read. */
export type StoredEvent = Pick<ValueRecord, 'value'> | Omit<Tombstone, 'to'>

/** Where a record is in its topic. */
export interface RecordPlace {
  readonly partition: number
  readonly offset: bigint
  /** The key of the record. */
  readonly key: string | null
}

export interface ClientEventParts {
  /** See `eventSource`. */
  readonly source: string
  readonly clientId: string
  /** The client's canonical JSON. */
  readonly json: string
  readonly contentHash: string
  /** The client's previous event: its number, or the generation of the client index if there is none. */
  readonly previous: string
  /** Milliseconds since 1970: the modification time, or else the time of the read. */
  readonly timeMs: number
  /** Number of events in the stream before this one. */
  readonly sequence: number
  /** See `dataSchema`. */
  readonly dataSchema: string
  /** See `fieldAttributes`; absent for a whole client. */
  readonly extensions?: string | undefined
  /** The request for which an unchanged client is published again; absent for a change. */
  readonly republished?: string | undefined
}

/** The `source` of a stream's events. */
export const eventSource = (connector: string, stream: string) => `/polaris/${connector}/${stream}`

export const EVENT_TYPE = 'client.modified'
export const SEQUENCE_DIGITS = 20
export const sequenceText = (sequence: number) => String(sequence).padStart(SEQUENCE_DIGITS, '0')

/** Invariant 7: the same change read again has the same event id, as the client's previous event is the same. */
export function eventId({
  source,
  clientId,
  contentHash,
  previous,
}: Pick<ClientEventParts, 'source' | 'clientId' | 'contentHash' | 'previous'>): string {
  return hash('sha256', [source, clientId, contentHash, previous].join('\u0000'), 'hex').slice(0, 32)
}

/** A CloudEvent 1.0 in structured JSON mode. */
export function clientEvent(parts: ClientEventParts): string {
  const subject = JSON.stringify(parts.clientId)
  const republished = parts.republished === undefined ? '' : `"republished":${JSON.stringify(parts.republished)},`
  return (
    `{"specversion":"1.0","type":"${EVENT_TYPE}","source":${JSON.stringify(parts.source)},"id":"${eventId(parts)}",` +
    `"time":"${new Date(parts.timeMs).toISOString()}","subject":${subject},` +
    `"sequence":"${sequenceText(parts.sequence)}","partitionkey":${subject},` +
    `"datacontenttype":"application/json","dataschema":${JSON.stringify(parts.dataSchema)},${parts.extensions ?? ''}${republished}"data":${parts.json}}`
  )
}

/** The client id of an event; undefined if the record is none. */
export function subjectOf(record: StoredEvent): string | undefined {
  if (record.value === null) return record.key
  const { subject } = parsedFields(record.value)
  return typeof subject === 'string' ? subject : undefined
}

/** The sequence number of an event; undefined if the record is not an event of this source. */
export function sequenceOf(record: StoredEvent, source: string): number | undefined {
  if (record.value === null) return record.headers.ce_source === source ? Number(record.headers.ce_sequence) : undefined
  const event = parsedFields(record.value)
  return event.source === source && event.sequence !== undefined ? Number(event.sequence) : undefined
}

/** The `source` of any stream. */
const sourcePattern = /^\/polaris\/[a-z0-9-]+\/[a-z0-9-]+$/

/** Who wrote a record: the `source` of a stream, or `another producer`, whose records may contain anything. */
export function writerOf(record: StoredEvent): string {
  const source = record.value === null ? record.headers.ce_source : parsedFields(record.value).source
  return typeof source === 'string' && sourcePattern.test(source) ? source : 'another producer'
}

/** The major version of the contract with subscribers. A breaking change needs the next one. */
export const CONTRACT_MAJOR = 1

const urn = `urn:polaris-connector:client.modified:${CONTRACT_MAJOR}`
const path = `v${CONTRACT_MAJOR}/client.schema.json`

/** The `dataschema` of events: below the URL where the contract is served, or a URN if there is none. */
export function dataSchema(contractUrl: string | undefined): string {
  return contractUrl === undefined ? urn : `${contractUrl.replace(/\/+$/, '')}/${path}`
}

const literally = (text: string) => text.replaceAll('.', '\\.')
/** Matches every `dataschema` of this major version. */
export const dataSchemaPattern = `^(${literally(urn)}|https?://.+/${literally(path)})$`

const matching = new RegExp(dataSchemaPattern)
export const isDataSchema = (value: unknown): boolean => typeof value === 'string' && matching.test(value)
