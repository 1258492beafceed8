import { eventId, type OutgoingRecord, sequenceText, type Tombstone } from '../client-event.ts'
import { structuredHeaders } from './event-form.ts'

export const ERASED_TYPE = 'client.erased'

export type TombstoneType = 'client.erased' | 'client.removed'

interface TombstoneParts {
  readonly type: TombstoneType
  /** See `eventSource`. */
  readonly source: string
  readonly clientId: string
  /** As for an event: see `ClientEventParts`. */
  readonly previous: string
  readonly sequence: number
  /** Milliseconds since 1970. */
  readonly timeMs: number
}

/**
 * A CloudEvent 1.0 without data, in binary mode, because compaction requires a record without a value. It has a number
 * like every event, so that the evidence of a lost commit record is complete.
 */
export function tombstone(parts: TombstoneParts): Tombstone {
  // Also different for the second of two tombstones without an event between them.
  return withoutData(parts, eventId({ ...parts, contentHash: `${parts.type} ${parts.sequence}` }))
}

function withoutData({ type, source, clientId, sequence, timeMs }: Omit<TombstoneParts, 'previous'>, id: string) {
  const headers = {
    ce_specversion: '1.0',
    ce_type: type,
    ce_source: source,
    ce_id: id,
    ce_time: new Date(timeMs).toISOString(),
    ce_subject: clientId,
    ce_sequence: sequenceText(sequence),
    ce_partitionkey: clientId,
  }
  return { to: 'events', key: clientId, value: null, headers } as const
}

export const REMOVED_TYPE = 'client.removed'

interface Removal {
  /** See `eventSource`. */
  readonly source: string
  readonly clientId: string
  /** The number of the client's previous event. */
  readonly previous: number
  /** The number of the first record. */
  readonly sequence: number
  /** Milliseconds since 1970. */
  readonly timeMs: number
}

/** `tombstone`: in binary mode an event without data is one. */
export type RemovalForm = 'event' | 'event and tombstone' | 'tombstone'

/**
 * What is published of a client that the server no longer returns: an event without data, then a tombstone if it is
 * configured. Each has a number of its own.
 */
export function removalRecords(removal: Removal, form: RemovalForm): OutgoingRecord[] {
  const { source, clientId, previous, sequence } = removal
  // Invariant 7: the same removal has the same event id, as the client's previous event is the same.
  const id = eventId({ source, clientId, contentHash: REMOVED_TYPE, previous: String(previous) })
  if (form === 'tombstone') return [withoutData({ ...removal, type: REMOVED_TYPE }, id)]
  const headers = structuredHeaders(REMOVED_TYPE, source)
  const event = { to: 'events', key: clientId, value: removedEvent(removal, id), headers } as const
  if (form === 'event') return [event]
  // The tombstone follows the event, so both have different ids.
  const place = { previous: String(sequence), sequence: sequence + 1 }
  return [event, tombstone({ ...removal, ...place, type: REMOVED_TYPE })]
}

/** A CloudEvent 1.0 in structured JSON mode. */
function removedEvent({ source, clientId, sequence, timeMs }: Removal, id: string): string {
  return JSON.stringify({
    specversion: '1.0',
    type: REMOVED_TYPE,
    source,
    id,
    time: new Date(timeMs).toISOString(),
    subject: clientId,
    sequence: sequenceText(sequence),
    partitionkey: clientId,
  })
}
