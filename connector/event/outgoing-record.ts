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

/** Why a client cannot become an event, and the size of the event, or of its JSON. */
interface DeadLetterCause {
  readonly code: DeadLetterCode
  readonly bytes: number
}

/** An event has at most so many bytes beside its client, if no id is longer than this: it need not be measured. */
const SMALL_FRAME_BYTES = 4_096
/** The place and the marks with which an event is largest: neither they nor its number decide. */
const largest = {
  contentHash: '',
  previous: '',
  timeMs: Date.UTC(10_000),
  sequence: 0,
  marks: { snapshot: true, historycomplete: true, republished: '-'.repeat(36) },
} as const

/**
 * Decides what becomes of a client, by its content and the settings alone, so that an audit decides as `run` did: a
 * dead letter, with this cause, or an event (undefined).
 */
export function deadLetterCause({ id, json }: ReadClient, settings: EventSettings): DeadLetterCause | undefined {
  const { form, maxValueBytes } = settings
  const isMissing = id === undefined || id === ''
  if (!isClientId(id))
    return { code: isMissing ? 'client-id-missing' : 'client-id-not-text', bytes: Buffer.byteLength(json) }
  // A character has at most three bytes, and six in an id that is escaped.
  if (3 * json.length + 6 * id.length + SMALL_FRAME_BYTES <= maxValueBytes) return undefined
  const { record, headerBytes } = clientEvent({ ...largest, clientId: id, json }, form)
  const bytes = record.value.length + headerBytes
  return bytes > maxValueBytes ? { code: 'client-too-large', bytes } : undefined
}

/** Makes the record of a client: an event, or a dead letter if it cannot become one. */
export function outgoingRecord(client: ReadClient, place: EventPlace, settings: EventSettings): MadeRecord {
  const { id, modified, json, contentHash } = client
  const timeMs = modified?.instant ?? place.readAt
  const cause = deadLetterCause(client, settings)
  const key = isClientId(id) ? id : null
  if (cause !== undefined) return deadLetterRecord({ ...cause, key, contentHash, json, timeMs, place }, settings)
  const { sequence, previous, marks } = place
  const { record } = clientEvent(
    { clientId: String(id), json, contentHash, previous, timeMs, sequence, marks },
    settings.form,
  )
  return { kind: 'event', record }
}

interface DeadClient extends DeadLetterCause {
  readonly key: string | null
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
