/** What one operator does. */
export type Command =
  | { readonly kind: 'pause' | 'resume' | 'erase' }
  | { readonly kind: 'rewind'; readonly to: number; readonly republish: boolean; readonly yes: boolean }

/** Limits of the exhaustive check. */
export interface Bounds {
  readonly replicas: number
  /** Openings by all replicas together. */
  readonly openings: number
  /** For each page, whether it has events. */
  readonly pages: readonly ('events' | 'none')[]
  /** Maximum number of pages per transaction. */
  readonly group: number
  /** Maximum number of PUTs in flight, of each object. */
  readonly puts: number
  /** Each is executed once, or crashes. They may overlap in any order. */
  readonly commands: readonly Command[]
  /** How often the document is deleted or replaced by a backup made earlier. */
  readonly documentFaults: number
  /** How often Kafka loses a transaction marker, of events or of a commit record. */
  readonly lostMarkers: number
  /** How often the group's offsets are deleted, or the topic is deleted and created again. */
  readonly deletions: number
  /** Half days that pass. Commit records expire after three, and the clocks of two replicas differ by one. */
  readonly halfDays: number
  /** If ignored, only what readers and operators see is checked. */
  readonly falseHolds: 'are violations' | 'are ignored'
}

/** Two replicas, three openings, two pages with events. */
export const BASE: Bounds = {
  replicas: 2,
  openings: 3,
  pages: ['events', 'events'],
  group: 1,
  puts: 2,
  commands: [],
  documentFaults: 0,
  lostMarkers: 0,
  deletions: 0,
  halfDays: 0,
  falseHolds: 'are violations',
}

/** One replica, two openings, one page: for what is not a matter between replicas. */
export const SMALL: Bounds = { ...BASE, replicas: 1, openings: 2, pages: ['events'], puts: 1 }
