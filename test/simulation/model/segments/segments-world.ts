/** A state of the model: what the life of the segments beside a checkpoint document depends on. */
export interface World {
  readonly document: Document | undefined
  /** What each stored segment contains, by name. */
  readonly stored: Readonly<Record<string, number>>
  readonly replicas: readonly Replica[]
  /** Requests in flight: each may arrive at any later time, or never, even if its sender has crashed. */
  readonly puts: readonly Put[]
  readonly uploads: readonly Segment[]
  readonly removals: readonly string[]
  /** How often replicas may still open the stream, upload a segment, and list the segments. */
  readonly openings: number
  readonly segments: number
  readonly listings: number
  /** How many documents and segments were made: the next one is another one. */
  readonly made: number
  readonly violation: string | undefined
}

export interface Segment {
  readonly name: string
  readonly content: number
}

export interface Document {
  readonly version: number
  readonly epoch: number
  /** The index of the committed state. */
  readonly segments: readonly Segment[]
}

interface Put {
  readonly document: Document
  readonly expected: number | undefined
}

export interface Replica {
  readonly phase: 'idle' | 'opening' | 'writing' | 'loading' | 'running' | 'uploading'
  /** As it was read; once claimed, the last document that is known to be written. */
  readonly document: Document | undefined
  /** The document that it writes. */
  readonly next: Document | undefined
  /** Segments that exist, as far as it knows. */
  readonly known: readonly string[]
  /** An uploaded segment, to be named by the next document in the place of others. */
  readonly made: (Segment & { readonly replaces: readonly string[] }) | undefined
  readonly listed: readonly string[]
}

export const IDLE: Replica = {
  ...{ phase: 'idle', document: undefined, next: undefined, known: [], made: undefined, listed: [] },
}

export interface Bounds {
  readonly replicas: number
  readonly openings: number
  readonly segments: number
  readonly listings: number
}

export function firstWorld({ replicas, ...limits }: Bounds): World {
  return {
    ...{ document: undefined, stored: {}, replicas: Array.from({ length: replicas }, () => IDLE) },
    ...{ puts: [], uploads: [], removals: [], ...limits, made: 0, violation: undefined },
  }
}

/** The decisions of the design. Each can be replaced by a defect. */
export interface Protocol {
  readonly names: 'epoch and nonce' | 'epoch and place' | 'place'
  readonly removal: 'once the document is known to be written' | 'when the document is sent'
  readonly orphans: 'of lower epochs' | 'of all epochs' | 'whatever the document does not name'
  readonly load: 'before the claim' | 'after the claim'
  readonly missing: 'reads the document again' | 'stops at once'
}

export const designed: Protocol = {
  names: 'epoch and nonce',
  removal: 'once the document is known to be written',
  orphans: 'of lower epochs',
  load: 'before the claim',
  missing: 'reads the document again',
}

/** Equal for states that differ only in the order of replicas and requests. */
export function fingerprintOf(world: World): string {
  const { replicas, puts, uploads, removals, stored } = world
  const sorted = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).sort()
  const unordered = [sorted(replicas), sorted(puts), sorted(uploads), sorted(removals), sorted(Object.entries(stored))]
  return JSON.stringify([world.document, unordered, world.openings, world.segments, world.listings, world.violation])
}
