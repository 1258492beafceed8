import { type ObjectRequests, type PutAnswer, type PutCondition, unquoted } from './object-requests.ts'
import type { Version } from './versioned-object.ts'

export type EtagQuoting = 'quoted' | 'unquoted'

/** What conditional writes a store can do: `required` is both kinds, what the checkpoint needs. */
export type ProbeFinding =
  | { readonly kind: 'required'; readonly quoting: EtagQuoting }
  | { readonly kind: 'create-only' | 'off'; readonly why: string }

export interface ProbePlan {
  /** A key that nobody else uses. */
  readonly key: string
  /** Spellings of `If-Match` to try, in this order. */
  readonly quotings: readonly EtagQuoting[]
}

/**
 * Create, create again, update, update stale, read. It cannot see a store that checks and then writes without a lock.
 * Rejects with `storage.*` when an answer tells nothing: begin again with another key. The object is deleted if that is allowed.
 */
export async function probeConditions(
  requests: ObjectRequests,
  plan: ProbePlan,
  signal: AbortSignal,
): Promise<ProbeFinding> {
  let step = 0
  const put = async (condition: PutCondition) => {
    step += 1
    const text = probeText(step)
    return told(await requests.put(plan.key, { text, condition }, signal))
  }
  try {
    const created = await put({ kind: 'absent' })
    if (created.kind !== 'stored') return off(`If-None-Match: * on a new key was answered ${created.kind}`)
    if (created.etag === undefined) return off('the store gives no ETag')
    if ((await put({ kind: 'absent' })).kind === 'stored') return off('If-None-Match: * was ignored')

    const update = await firstUpdate(put, created.etag, plan.quotings)
    if (update === undefined) return createOnly('If-Match with the current ETag was refused')
    const stale = await put({ kind: 'matches', etag: spelled(created.etag, update.quoting) })
    if (stale.kind === 'stored') return createOnly('If-Match with an old ETag was accepted')

    const now = await requests.get(plan.key, signal)
    if (now?.version !== update.etag) return createOnly('a write and a read give different ETags')
    return { kind: 'required', quoting: update.quoting }
  } finally {
    await requests.remove(plan.key, signal).catch(() => undefined)
  }
}

async function firstUpdate(
  put: (condition: PutCondition) => Promise<PutAnswer>,
  etag: Version,
  quotings: readonly EtagQuoting[],
): Promise<{ quoting: EtagQuoting; etag: Version | undefined } | undefined> {
  for (const quoting of quotings) {
    const answer = await put({ kind: 'matches', etag: spelled(etag, quoting) })
    if (answer.kind === 'stored') return { quoting, etag: answer.etag }
  }
  return undefined
}

/** How `If-Match` spells an ETag. */
export function spelled(etag: Version, quoting: EtagQuoting): string {
  return quoting === 'quoted' ? etag : unquoted(etag)
}

const probeText = (step: number) => JSON.stringify({ note: 'written by a start-up check, may be deleted', step })

const off = (why: string): ProbeFinding => ({ kind: 'off', why })
const createOnly = (why: string): ProbeFinding => ({ kind: 'create-only', why })

function told(answer: PutAnswer): PutAnswer {
  if (answer.kind === 'unclear') throw answer.error
  return answer
}
