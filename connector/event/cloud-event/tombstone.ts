import { eventId, sequenceText, type Tombstone } from '../client-event.ts'

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
