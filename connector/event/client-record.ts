import type { ValueRecord } from './client-event.ts'
import { clientEvent } from './client-event.ts'
import { type DeadLetterCode, deadLetter } from './dead-letter.ts'
import type { PublishedData, ReadClient } from './read-client.ts'

export interface EventSettings {
  /** `/polaris/<connector>/<stream>` */
  readonly source: string
  /** The `dataschema` of events. */
  readonly dataSchema: string
  /** Largest record value that the topic accepts, in bytes. */
  readonly maxValueBytes: number
  readonly deadLetterClient: 'leave-out' | 'include'
  /** See `fieldAttributes`. */
  readonly extensions?: string | undefined
}

/** The place of an event in its stream. */
export interface EventPlace {
  /** Number of events in the stream before this one. */
  readonly sequence: number
  /** The client's previous event: its number, or the generation of the index if there is none. */
  readonly previous: string
  /** When the client was read, by the server's clock in ms since 1970. */
  readonly readAt: number
  /** Path of the field mapped as the client id. */
  readonly idField: string
  /** See `ClientEventParts`. */
  readonly republished?: string | undefined
}

type ClientRecordMade = { readonly kind: 'event' | 'dead-letter'; readonly record: ValueRecord }

/** The record of a client: an event, or a dead letter if it cannot become one. */
export function clientRecord(client: ReadClient, place: EventPlace, settings: EventSettings): ClientRecordMade {
  const { id, modified } = client
  const data = client.published()
  const { json, contentHash } = data
  if (typeof id !== 'string' || id === '') {
    const code = id === undefined || id === '' ? 'client-id-missing' : 'client-id-not-text'
    return asDeadLetter({ code, key: null, bytes: Buffer.byteLength(json) }, { data, place }, settings)
  }
  const { source, dataSchema, maxValueBytes, extensions } = settings
  const { sequence, previous, readAt, republished } = place
  const timeMs = modified?.instant ?? readAt
  const value = clientEvent({
    source,
    clientId: id,
    json,
    contentHash,
    previous,
    timeMs,
    sequence,
    dataSchema,
    extensions,
    republished,
  })
  // A UTF-16 code unit takes at most three bytes in UTF-8, so most events need no exact count.
  const bytes = value.length * 3 <= maxValueBytes ? 0 : Buffer.byteLength(value)
  if (bytes > maxValueBytes)
    return asDeadLetter({ code: 'client-too-large', key: id, bytes }, { data, place }, settings)
  return { kind: 'event', record: { to: 'events', key: id, value } }
}

function asDeadLetter(
  { code, key, bytes }: { code: DeadLetterCode; key: string | null; bytes: number },
  { data, place }: { data: PublishedData; place: EventPlace },
  { deadLetterClient, maxValueBytes }: EventSettings,
): ClientRecordMade {
  const parts = { code, field: place.idField, bytes, contentHash: data.contentHash }
  const withClient = deadLetterClient === 'include' ? deadLetter({ ...parts, clientJson: data.json }) : undefined
  const fits = withClient !== undefined && Buffer.byteLength(withClient) <= maxValueBytes
  const value = fits ? withClient : deadLetter({ ...parts, clientJson: undefined })
  return { kind: 'dead-letter', record: { to: 'deadLetters', key, value } }
}
