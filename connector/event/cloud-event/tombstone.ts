import type { Tombstone } from '../client-event.ts'

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
