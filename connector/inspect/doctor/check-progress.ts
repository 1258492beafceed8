/** Shows which checks are in progress: checks may wait for minutes. */
export interface CheckProgress {
  /** Runs a check; `stream` is null for a check of the connector. */
  during<Result>(check: string, stream: string | null, work: () => Promise<Result>): Promise<Result>
  /** What is in progress, oldest first: `kafka`, `clients: second page`. */
  inProgress(): readonly string[]
}

export function checkProgress(): CheckProgress {
  const running = new Set<{ readonly name: string }>()
  return {
    during: async (check, stream, work) => {
      const entry = { name: stream === null ? check : `${stream}: ${check}` }
      running.add(entry)
      try {
        return await work()
      } finally {
        running.delete(entry)
      }
    },
    inProgress: () => [...running].map(({ name }) => name),
  }
}

/** Many streams may be checked at once. */
const MAX_NAMED = 3

/** One line for a person who waits. Pure. */
export function progressText(inProgress: readonly string[]): string {
  const more = inProgress.length - MAX_NAMED
  const named = [...inProgress.slice(0, MAX_NAMED), ...(more > 0 ? [`${more} more`] : [])]
  return `checking ${named.join(', ')}`
}
