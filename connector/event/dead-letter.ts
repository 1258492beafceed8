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

/** Of the last clients, at most this share may be dead letters; fewer than `MIN_DEAD_LETTERS` always may. */
const MAX_SHARE = 0.1
const MIN_DEAD_LETTERS = 10
const LAST_CLIENTS = 1000

/** Counts dead letters among the most recent clients that were not suppressed. */
export interface DeadLetterGuard {
  /** Counts one client and returns whether there are now too many dead letters. */
  add(outcome: 'event' | 'dead-letter'): 'fine' | 'too-many'
  /** An independent guard with the same counts. */
  copy(): DeadLetterGuard
}

/**
 * The counts of no client. `last` is a ring buffer, 1 for a dead letter and 0 for an event; `next` is the index of the
 * next write.
 */
const emptyCounts = () => ({ last: new Uint8Array(LAST_CLIENTS), next: 0, seen: 0, dead: 0 })

export function deadLetterGuard(counts = emptyCounts()): DeadLetterGuard {
  const { last } = counts
  let { next, seen, dead } = counts
  return {
    add: (outcome) => {
      const isDead = outcome === 'dead-letter' ? 1 : 0
      dead += isDead - (last[next] ?? 0)
      last[next] = isDead
      next = (next + 1) % LAST_CLIENTS
      seen = Math.min(seen + 1, LAST_CLIENTS)
      return dead >= MIN_DEAD_LETTERS && dead > MAX_SHARE * seen ? 'too-many' : 'fine'
    },
    copy: () => deadLetterGuard({ last: last.slice(), next, seen, dead }),
  }
}
