/** Lets others wait for a state that changes. */
export interface Changes {
  /** Call it after each change. */
  changed(): void
  /** Waits until `condition` holds (checked now and after each change) or `stop` aborts; returns if it holds. */
  until(condition: () => boolean, stop: AbortSignal): Promise<boolean>
}

export function createChanges(): Changes {
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
