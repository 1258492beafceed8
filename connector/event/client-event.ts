import { hash } from 'node:crypto'

/** One Kafka record, for one of the two topics of a stream. */
export type OutgoingRecord = ValueRecord | Tombstone

export interface ValueRecord {
  readonly target: 'events' | 'deadLetters'
  /** The client id; null in a dead letter without one. Determines the partition (Java-compatible murmur2). */
  readonly key: string | null
  /** JSON text in UTF-8. Records wait until they are sent, so their bytes are outside the heap. */
  readonly value: Buffer
  readonly headers: RecordHeaders
}

/** The texts of the headers, by name. Most records share a few objects, which are encoded once. */
export type RecordHeaders = Readonly<Record<string, string>>

/** Deletes the client from one partition of a compacted topic. */
export interface Tombstone {
  readonly target: 'events'
  readonly partition: number
  readonly key: string
  readonly value: null
  readonly headers: RecordHeaders
}

export interface ClientEventParts {
  readonly clientId: string
  /** The client's canonical JSON. */
  readonly json: string
  readonly contentHash: string
  /** The client's previous event: its number, or the generation of the client index if there is none. */
  readonly previous: string
  /** The modification time, or else the time of the read, in ms since 1970. */
  readonly timeMs: number
  /** Number of events in the stream before this one. */
  readonly sequence: number
  readonly marks: EventMarks
}

/** Attributes that say why an event was made. They are no part of its id. */
export interface EventMarks {
  /** The first history of the stream has read the client. */
  readonly snapshot?: true | undefined
  /** The first history of the stream has ended. */
  readonly historycomplete?: true | undefined
  /** The rewind for which an operator had the client published again; it may have changed all the same. */
  readonly republished?: string | undefined
}

/** Returns the `source` of a stream's events. */
export const eventSource = (connector: string, stream: string) => `/polaris/${connector}/${stream}`

export const EVENT_TYPE = 'client.modified'
export const sequenceText = (sequence: number) => String(sequence).padStart(20, '0')

/**
 * Returns the id of an event. Invariant 7: the same change read again has the same event id, as the client's previous
 * event is the same.
 */
export function eventId({ clientId, contentHash, previous }: ClientEventParts, source: string): string {
  return hash('sha256', [source, clientId, contentHash, previous].join('\u0000'), 'hex').slice(0, 32)
}

/** The major version of the contract with subscribers. A breaking change needs the next one. */
export const CONTRACT_MAJOR = 1

/** The `dataschema` of events. */
export const DATA_SCHEMA = `urn:polaris-connector:${EVENT_TYPE}:${CONTRACT_MAJOR}`
