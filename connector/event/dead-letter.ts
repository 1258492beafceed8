/** Why a client cannot become an event. */
export type DeadLetterCode = 'client-id-missing' | 'client-id-not-text' | 'client-too-large'

interface DeadLetterParts {
  readonly code: DeadLetterCode
  /** Path of the field mapped as the client id. */
  readonly field: string
  /** Size of the event, or of the client's JSON if no event was built. */
  readonly bytes: number
  readonly contentHash: string
  /** The client's JSON, if the setting includes it and it fits. */
  readonly clientJson: string | undefined
}

/** Returns the value of the dead letter. Without `clientJson` it contains no client data. */
export function deadLetter(parts: DeadLetterParts): string {
  const { code, field, bytes, contentHash, clientJson } = parts
  const head = JSON.stringify({ code, field, bytes, contentHash })
  return clientJson === undefined ? head : `${head.slice(0, -1)},"client":${clientJson}}`
}

export interface DeadLetterLimit {
  /** Share of the last `of` clients that may be dead letters, 0 to 1. */
  readonly maxShare: number
  /** The share is not checked below this number of dead letters. */
  readonly minimum: number
  readonly of: number
}

export const deadLetterLimit: DeadLetterLimit = { maxShare: 0.1, minimum: 10, of: 1000 }

/** Counts dead letters among the most recent clients that were not suppressed. */
export interface DeadLetterGuard {
  /** Counts one client and returns whether there are now too many dead letters. */
  add(outcome: 'event' | 'dead-letter'): 'fine' | 'too-many'
  /** An independent guard with the same counts. */
  copy(): DeadLetterGuard
}

export function deadLetterGuard(limit: DeadLetterLimit, counts = emptyCounts(limit)): DeadLetterGuard {
  const { last } = counts
  let { next, seen, dead } = counts
  return {
    add: (outcome) => {
      const isDead = outcome === 'dead-letter' ? 1 : 0
      dead += isDead - (last[next] ?? 0)
      last[next] = isDead
      next = (next + 1) % limit.of
      seen = Math.min(seen + 1, limit.of)
      return dead >= limit.minimum && dead > limit.maxShare * seen ? 'too-many' : 'fine'
    },
    copy: () => deadLetterGuard(limit, { last: last.slice(), next, seen, dead }),
  }
}

/**
 * The counts of no client. `last` is a ring buffer, 1 for a dead letter and 0 for an event; `next` is the index of the
 * next write.
 */
function emptyCounts({ of }: DeadLetterLimit) {
  return { last: new Uint8Array(of), next: 0, seen: 0, dead: 0 }
}
