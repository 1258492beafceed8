/** A new assignment changed the streams of this replica; with 0 streams the replica is a standby. */
export interface AssignedEvent {
  readonly kind: 'assignment-changed'
  readonly streams: number
  readonly gained: readonly string[]
  readonly lost: readonly string[]
}

/** The streams assigned to this replica. */
export interface Assignment {
  /** Applies a new assignment, even one with the same streams. Returns the difference; undefined: there is none. */
  update(streams: ReadonlySet<string>): AssignedEvent | undefined
  isAssigned(stream: string): boolean
  /** The number of assignments so far. */
  generation(): number
  /** As `Changes.until`: the condition is checked now and after each assignment. */
  readonly until: Changes['until']
}

export function createAssignment(): Assignment {
  let assigned: ReadonlySet<string> = new Set()
  let generation = 0
  const { changed, until } = createChanges()
  return {
    update: (streams) => {
      const gained = [...streams].filter((stream) => !assigned.has(stream))
      const lost = [...assigned].filter((stream) => !streams.has(stream))
      assigned = new Set(streams)
      generation += 1
      changed()
      const isSame = gained.length + lost.length === 0 && generation > 1
      return isSame ? undefined : { kind: 'assignment-changed', streams: streams.size, gained, lost }
    },
    isAssigned: (stream) => assigned.has(stream),
    generation: () => generation,
    until,
  }
}

/** Lets others wait for a state that changes. */
interface Changes {
  /** Call it after each change. */
  changed(): void
  /** Waits until `condition` holds (checked now and after each change) or `stop` aborts; returns if it holds. */
  until(condition: () => boolean, stop: AbortSignal): Promise<boolean>
}

function createChanges(): Changes {
  const wakers = new Set<() => void>()
  const changeOrAbort = (stop: AbortSignal) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        wakers.delete(wake)
        stop.removeEventListener('abort', wake)
        resolve()
      }
      wakers.add(wake)
      stop.addEventListener('abort', wake)
    })
  return {
    changed: () => {
      for (const wake of wakers) wake()
    },
    until: async (condition, stop) => {
      while (!condition() && !stop.aborted) await changeOrAbort(stop)
      return condition()
    },
  }
}
