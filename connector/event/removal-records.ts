import { eventId, type OutgoingRecord, sequenceText } from './client-event.ts'
import { tombstone } from './tombstone.ts'

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
