import type { RecordPlace, StoredEvent } from '../event/cloud-event/stored-event.ts'

/** How to read a topic of a stream. */
export interface EventReading<Found> {
  /** What is wanted of a record; undefined: nothing. Called in the order of each partition. */
  readonly find: (record: StoredEvent, place: RecordPlace) => Found | undefined
  /** Called for each find that committed readers can see; a record of a longer transaction after later records. */
  readonly onVisible: (found: Found) => void
  /** Default: `events`. */
  readonly of?: 'events' | 'deadLetters'
}

/**
 * Reads the records that are in the topic now, also beside an open producer, whose transaction is not visible. Fences,
 * creates and writes nothing. Rejects with `publish.*` or the reason of `stop`.
 */
export type ReadEvents = <Found>(reading: EventReading<Found>, stop: AbortSignal) => Promise<void>
