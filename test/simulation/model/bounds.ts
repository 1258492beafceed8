/** Limits of the exhaustive check. */
export interface Bounds {
  readonly replicas: number
  /** Openings by all replicas together. */
  readonly openings: number
  /** For each page, whether it has events. */
  readonly pages: readonly ('events' | 'none')[]
  /** Maximum number of pages per transaction. */
  readonly group: number
  /** Maximum number of PUTs in flight. */
  readonly puts: number
  /** How often the placement assigns the stream to a replica or revokes it; 0: all replicas have it all the time. */
  readonly assignmentChanges: number
  /** How often the document is deleted or replaced by a backup made earlier. */
  readonly documentFaults: number
  /** How often Kafka loses a transaction marker, of events or of a commit record. */
  readonly lostMarkers: number
  /** How often the group's offsets are deleted, or the topic, which may be created again. */
  readonly kafkaDeletions: number
  /** The page that an operator may set the stream to, once. */
  readonly set: number | undefined
  /** If any pass, commit records expire and clocks differ by one hour, the most that `resolveState` allows for. */
  readonly hours: number
  /** If ignored, only what readers see is checked. */
  readonly falseStops: 'are violations' | 'are ignored'
}

/** Two replicas, three openings, two pages with events. */
export const BASE: Bounds = {
  replicas: 2,
  openings: 3,
  pages: ['events', 'events'],
  group: 1,
  puts: 2,
  assignmentChanges: 0,
  documentFaults: 0,
  lostMarkers: 0,
  kafkaDeletions: 0,
  set: undefined,
  hours: 0,
  falseStops: 'are violations',
}

export const withOperator: Bounds = { ...BASE, openings: 2, set: 0 }
export const withExpiry: Bounds = { ...BASE, openings: 2, puts: 1, hours: 2 }
export const withDocumentFaults: Bounds = { ...BASE, replicas: 1, group: 2, documentFaults: 2 }
export const wrongPlacement: Bounds = { ...BASE, assignmentChanges: 3 }
export const withLostMarkers: Bounds = { ...BASE, puts: 1, lostMarkers: 2 }
export const withKafkaDeletions: Bounds = { ...BASE, puts: 1, kafkaDeletions: 1 }
/** Checks only what readers see. */
export const forReaders: Bounds = { ...BASE, falseStops: 'are ignored' }
