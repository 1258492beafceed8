/** How far the check goes. */
export interface Bounds {
  readonly replicas: number
  /** Openings by replicas, in all. */
  readonly openings: number
  /** In their order: does the page have events? */
  readonly pages: readonly ('events' | 'none')[]
  /** Pages in a transaction, at most. */
  readonly group: number
  /** PUTs under way at once. */
  readonly puts: number
  /** Words of the placement: the stream is given to a replica or taken from one, whoever else has it. With none, all have it all the time. */
  readonly moves: number
  /** Times that the document is deleted, or replaced by the backup that was made of it once. */
  readonly mishaps: number
  /** Times that Kafka loses the end of a note. */
  readonly lostNotes: number
  /** Where an operator may set the stream to, once. */
  readonly set: number | undefined
  /** Hours that may pass; with any, notes expire and the clocks of the replicas differ by an hour, all that resolve() allows for. */
  readonly hours: number
  /** Let pass, the check looks at what readers see alone. */
  readonly falseStops: 'are faults' | 'pass'
}

/** Two replicas, three openings, two pages with events. */
export const BASE: Bounds = {
  replicas: 2,
  openings: 3,
  pages: ['events', 'events'],
  group: 1,
  puts: 2,
  moves: 0,
  mishaps: 0,
  lostNotes: 0,
  set: undefined,
  hours: 0,
  falseStops: 'are faults',
}

export const withOperator: Bounds = { ...BASE, openings: 2, set: 0 }
export const withExpiry: Bounds = { ...BASE, openings: 2, puts: 1, hours: 2 }
export const withMishaps: Bounds = { ...BASE, replicas: 1, group: 2, mishaps: 2 }
export const wrongPlacement: Bounds = { ...BASE, moves: 3 }
export const withLostNotes: Bounds = { ...BASE, puts: 1, lostNotes: 2 }
/** Only what readers see. */
export const forReaders: Bounds = { ...BASE, falseStops: 'pass' }
