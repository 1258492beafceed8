/** Which streams are this replica's now, as numbers that only grow, so that nobody misses a change and its undoing. */
export interface Assignment {
  /** Takes a new assignment, also one with the same streams. Says what it adds and takes away. */
  take(streams: ReadonlySet<string>): { gained: string[]; lost: string[]; isFirst: boolean }
  isAssigned(stream: string): boolean
  /** Counts the assignments. */
  generation(): number
  /** Counts how often the stream was assigned when it was not before. */
  tenure(stream: string): number
  /** Waits until `isSo`, asked now and after each assignment, or until `over` aborts; says whether it is so. */
  until(isSo: () => boolean, over: AbortSignal): Promise<boolean>
}

export function createAssignment(): Assignment {
  let now: ReadonlySet<string> = new Set()
  let generation = 0
  let changed = Promise.withResolvers<void>()
  const tenures = new Map<string, number>()
  return {
    take: (streams) => {
      const gained = [...streams].filter((stream) => !now.has(stream))
      const lost = [...now].filter((stream) => !streams.has(stream))
      for (const stream of gained) tenures.set(stream, (tenures.get(stream) ?? 0) + 1)
      now = new Set(streams)
      generation += 1
      changed.resolve()
      changed = Promise.withResolvers()
      return { gained, lost, isFirst: generation === 1 }
    },
    isAssigned: (stream) => now.has(stream),
    generation: () => generation,
    tenure: (stream) => tenures.get(stream) ?? 0,
    until: async (isSo, over) => {
      const aborted = Promise.withResolvers<void>()
      const onAbort = () => aborted.resolve()
      over.addEventListener('abort', onAbort, { once: true })
      while (!isSo() && !over.aborted) await Promise.race([changed.promise, aborted.promise])
      over.removeEventListener('abort', onAbort)
      return isSo()
    },
  }
}
