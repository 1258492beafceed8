import { type Changes, createChanges } from '../runtime/changes.ts'

/** A new assignment changed the streams of this replica; with 0 streams the replica is a standby. */
export interface AssignedEvent {
  readonly kind: 'assignment-changed'
  readonly streams: number
  readonly gained: readonly string[]
  readonly lost: readonly string[]
}

/** The streams assigned to this replica. Counters only increase, so that an immediately reverted change is visible. */
export interface Assignment {
  /** Applies a new assignment, even one with the same streams, and returns the difference. */
  update(streams: ReadonlySet<string>): { gained: string[]; lost: string[]; isFirst: boolean }
  isAssigned(stream: string): boolean
  /** The number of assignments so far. */
  generation(): number
  /** How often the stream changed from unassigned to assigned. */
  epoch(stream: string): number
  /** No further assignment follows. */
  close(): void
  isFinal(): boolean
  /** As `Changes.until`: the condition is checked now and after each assignment. */
  readonly until: Changes['until']
}

export function createAssignment(): Assignment {
  let assigned: ReadonlySet<string> = new Set()
  let generation = 0
  let isFinal = false
  const { changed, until } = createChanges()
  const epochs = new Map<string, number>()
  return {
    update: (streams) => {
      const gained = [...streams].filter((stream) => !assigned.has(stream))
      const lost = [...assigned].filter((stream) => !streams.has(stream))
      for (const stream of gained) epochs.set(stream, (epochs.get(stream) ?? 0) + 1)
      assigned = new Set(streams)
      generation += 1
      changed()
      return { gained, lost, isFirst: generation === 1 }
    },
    close: () => {
      isFinal = true
      changed()
    },
    isFinal: () => isFinal,
    isAssigned: (stream) => assigned.has(stream),
    generation: () => generation,
    epoch: (stream) => epochs.get(stream) ?? 0,
    until,
  }
}
