/** Why a client cannot become an event. */
export type DeadLetterCode = 'client-id-missing' | 'client-id-not-text' | 'client-too-large'

export interface DeadLetterParts {
  readonly code: DeadLetterCode
  /** The setting's path that was looked at. */
  readonly field: string
  /** Size of the event, or of the client where there is no event. */
  readonly bytes: number
  readonly contentHash: string
  /** The client's JSON, where the option asks for it and it fits. */
  readonly clientJson: string | undefined
}

/** The dead letter's value. Without the option it holds nothing of the client. */
export function deadLetter(parts: DeadLetterParts): string {
  const { code, field, bytes, contentHash, clientJson } = parts
  const head = JSON.stringify({ code, field, bytes, contentHash })
  return clientJson === undefined ? head : `${head.slice(0, -1)},"client":${clientJson}}`
}

export interface DeadLetterLimit {
  /** Share of the last `of` clients, 0 to 1, that may be dead letters. */
  readonly maxShare: number
  /** So many at least, before the share counts. */
  readonly minimum: number
  readonly of: number
}

/** Counts dead letters among the last clients. `add` tells whether there are now too many. */
export function deadLetterGuard(limit: DeadLetterLimit): {
  add(outcome: 'event' | 'dead-letter'): 'fine' | 'too-many'
} {
  const last = new Uint8Array(limit.of)
  let next = 0
  let seen = 0
  let dead = 0
  return {
    add: (outcome) => {
      const isDead = outcome === 'dead-letter' ? 1 : 0
      dead += isDead - (last[next] ?? 0)
      last[next] = isDead
      next = (next + 1) % limit.of
      seen = Math.min(seen + 1, limit.of)
      return dead >= limit.minimum && dead > limit.maxShare * seen ? 'too-many' : 'fine'
    },
  }
}
