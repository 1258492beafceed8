import { eventId, type OutgoingRecord, sequenceText, type Tombstone } from './client-event.ts'

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
  const { type, source, clientId, sequence, timeMs } = parts
  const headers = {
    ce_specversion: '1.0',
    ce_type: type,
    ce_source: source,
    // Also different for the second of two tombstones without an event between them.
    ce_id: eventId({ ...parts, contentHash: `${type} ${sequence}` }),
    ce_time: new Date(timeMs).toISOString(),
    ce_sequence: sequenceText(sequence),
  }
  return { to: 'events', key: clientId, value: null, headers }
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

/**
 * What is published of a client that the server no longer returns: an event without data, then a tombstone if it is
 * configured. Each has a number of its own.
 */
export function removalRecords(removal: Removal, then: 'event' | 'event and tombstone'): OutgoingRecord[] {
  const { clientId, sequence } = removal
  const event = { to: 'events', key: clientId, value: removedEvent(removal) } as const
  if (then === 'event') return [event]
  // The tombstone follows the event, so both have different ids.
  const place = { previous: String(sequence), sequence: sequence + 1 }
  return [event, tombstone({ ...removal, ...place, type: REMOVED_TYPE })]
}

/** A CloudEvent 1.0 in structured JSON mode. */
function removedEvent({ source, clientId, previous, sequence, timeMs }: Removal): string {
  return JSON.stringify({
    specversion: '1.0',
    type: REMOVED_TYPE,
    source,
    // Invariant 7: the same removal has the same event id, as the client's previous event is the same.
    id: eventId({ source, clientId, contentHash: REMOVED_TYPE, previous: String(previous) }),
    time: new Date(timeMs).toISOString(),
    subject: clientId,
    sequence: sequenceText(sequence),
    partitionkey: clientId,
  })
}
