import type { Version } from '../versioned-object.ts'
import { type ObjectRequests, type PutAnswer, type PutCondition, unquoted } from './conditional-put.ts'

export type EtagQuoting = 'quoted' | 'unquoted'

/** Whether a store supports the conditional writes that checkpoints need: create and update. */
type ProbeResult =
  | { readonly kind: 'supported'; readonly quoting: EtagQuoting }
  | { readonly kind: 'unsupported'; readonly why: string }

interface ProbePlan {
  /** A key that nothing else uses. */
  readonly key: string
  /** How to write the ETag in `If-Match`, in the order to try. */
  readonly quotings: readonly EtagQuoting[]
}

/**
 * Creates, creates again, updates, updates with a stale ETag and reads an object, then deletes it if that is allowed.
 * Cannot detect a store that checks the condition and then writes without a lock. Rejects with `storage.*` if a
 * response is inconclusive; a retry needs another key.
 */
export async function probeConditions(
  requests: ObjectRequests,
  plan: ProbePlan,
  signal: AbortSignal,
): Promise<ProbeResult> {
  let step = 0
  const put = async (condition: PutCondition) => {
    step += 1
    const text = probeText(step)
    return conclusive(await requests.put(plan.key, { text, condition }, signal))
  }
  try {
    const created = await put({ kind: 'absent' })
    if (created.kind !== 'stored') return unsupported(`If-None-Match: * on a new key was answered "${created.kind}"`)
    if (created.etag === undefined) return unsupported('the store returns no ETag')
    if ((await put({ kind: 'absent' })).kind === 'stored') return unsupported('If-None-Match: * was ignored')

    const update = await firstUpdate(put, created.etag, plan.quotings)
    if (update === undefined) return unsupported('If-Match with the current ETag was refused')
    const stale = await put({ kind: 'matches', etag: quotedAs(created.etag, update.quoting) })
    if (stale.kind === 'stored') return unsupported('If-Match with an old ETag was accepted')

    const now = await requests.get(plan.key, signal)
    if (now?.version !== update.etag) return unsupported('a write and a read return different ETags')
    return { kind: 'supported', quoting: update.quoting }
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
    const answer = await put({ kind: 'matches', etag: quotedAs(etag, quoting) })
    if (answer.kind === 'stored') return { quoting, etag: answer.etag }
  }
  return undefined
}

/** The ETag as written in `If-Match`. */
export function quotedAs(etag: Version, quoting: EtagQuoting): string {
  return quoting === 'quoted' ? etag : unquoted(etag)
}

const probeText = (step: number) => JSON.stringify({ comment: 'written by the start-up probe; may be deleted', step })

const unsupported = (why: string): ProbeResult => ({ kind: 'unsupported', why })

function conclusive(answer: PutAnswer): PutAnswer {
  if (answer.kind === 'unclear') throw answer.error
  return answer
}
