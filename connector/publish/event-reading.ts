import type { RecordPlace, StoredEvent } from '../event/cloud-event/stored-event.ts'

/** Says how to read a topic of a stream. */
export interface EventReading<Found> {
  /** Returns what is wanted of a record, undefined if nothing is. Is called in the order of each partition. */
  readonly find: (record: StoredEvent, place: RecordPlace) => Found | undefined
  /**
   * Is called for each find that readers of committed records can see. A find of a long transaction may come after
   * later records.
   */
  readonly onVisible: (found: Found) => void
  /** Defaults to `events`. */
  readonly of?: 'events' | 'deadLetters'
}

/**
 * Reads the records that are in the topic now. It may run beside an open producer, whose transaction is not visible.
 * Fences, creates and writes nothing. Rejects with `publish.*` or the reason of `stop`.
 */
export type ReadEvents = <Found>(reading: EventReading<Found>, stop: AbortSignal) => Promise<void>
