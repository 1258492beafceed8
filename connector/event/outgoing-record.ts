import { type ContentKey, contentKey } from '../index/index-entry.ts'
import { sha256 } from './canonical-json.ts'
import { type EventMarks, sequenceText, type ValueRecord } from './client-event.ts'
import { clientEvent, type EventForm } from './cloud-event/event-form.ts'
import { type DeadLetterCode, deadLetter } from './dead-letter.ts'
import { isClientId, type ReadClient } from './read-client.ts'

export interface EventSettings {
  readonly form: EventForm
  /** Largest record value that the topic accepts, in bytes. */
  readonly maxValueBytes: number
  readonly deadLetterClient: 'leave-out' | 'include'
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
  readonly marks: EventMarks
}

type MadeRecord = { readonly kind: 'event' | 'dead-letter'; readonly record: ValueRecord }

/**
 * Returns the content of a dead letter, for the client index: under another limit, or with another id, it may be an
 * event.
 */
export function deadLetterContent(
  { contentHash }: Pick<ReadClient, 'contentHash'>,
  { idField, maxValueBytes }: Pick<EventPlace, 'idField'> & Pick<EventSettings, 'maxValueBytes'>,
): ContentKey {
  return contentKey(sha256([contentHash, idField, maxValueBytes].join('\u0000')))
}

/** Makes the record of a client: an event, or a dead letter if it cannot become one. */
export function outgoingRecord(client: ReadClient, place: EventPlace, settings: EventSettings): MadeRecord {
  const { id, modified, json, contentHash } = client
  const timeMs = modified?.instant ?? place.readAt
  const dead = { contentHash, json, timeMs, place }
  const isMissing = id === undefined || id === ''
  if (!isClientId(id)) {
    const code = isMissing ? 'client-id-missing' : 'client-id-not-text'
    return deadLetterRecord({ ...dead, code, key: null, bytes: Buffer.byteLength(json) }, settings)
  }
  const { form, maxValueBytes } = settings
  const { sequence, previous, marks } = place
  const parts = { clientId: id, json, contentHash, previous, timeMs, sequence, marks }
  const { record, headerBytes } = clientEvent(parts, form)
  const bytes = record.value.length + headerBytes
  if (bytes > maxValueBytes) return deadLetterRecord({ ...dead, code: 'client-too-large', key: id, bytes }, settings)
  return { kind: 'event', record }
}

interface DeadClient {
  readonly code: DeadLetterCode
  readonly key: string | null
  readonly bytes: number
  readonly contentHash: string
  readonly json: string
  readonly timeMs: number
  readonly place: EventPlace
}

function deadLetterRecord(
  { code, key, bytes, contentHash, json, timeMs, place: { idField: field, sequence } }: DeadClient,
  { form, deadLetterClient, maxValueBytes }: EventSettings,
): MadeRecord {
  const parts = { code, field, bytes, contentHash }
  const clientJson = deadLetterClient === 'include' ? json : undefined
  const whole = Buffer.from(deadLetter({ ...parts, clientJson }))
  const fits = whole.length <= maxValueBytes
  const value = fits ? whole : Buffer.from(deadLetter({ ...parts, clientJson: undefined }))
  // A subscriber finds by them which event is missing.
  const headers = {
    'content-type': 'application/json',
    ce_source: form.source,
    ce_time: new Date(timeMs).toISOString(),
    ce_sequence: sequenceText(sequence),
  }
  return { kind: 'dead-letter', record: { target: 'deadLetters', key, value, headers } }
}
