import type { Erasure, StreamRequests } from '../../../control/stream-requests.ts'
import { clientKey } from '../../../index/index-entry.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { codeOf } from '../../../runtime/connector-error.ts'
import type { PageGroupBuilder } from '../../group/page-group.ts'
import type { ErasureReading } from '../../read/page-reading.ts'
import { type KeptParts, keepMarks } from './kept-marks.ts'

export interface ErasureParts extends KeptParts {
  readonly requests: StreamRequests
  readonly builder: Pick<PageGroupBuilder, 'knows' | 'isCarriedOut' | 'hasEnded'>
  /** When requests that failed are tried again, by their ids and the monotonic clock. It lives across openings. */
  readonly retryAt: Map<string, number>
  readonly clock: Clock
}

/**
 * Yields each open erasure once, after its mark is stored: a store that refuses makes only this request wait. Ends those
 * that are cancelled, or whose client is unknown. Writes back marks that are missing, every hour. Ends when `stop` aborts; never rejects.
 */
export async function* requestedErasures(parts: ErasureParts, stop: AbortSignal): AsyncGenerator<ErasureReading, void> {
  const { requests, clock } = parts
  const done = new Set<string>()
  let keepAt = 0
  const isDue = () => keepAt <= clock.monotonic()
  while (await requests.until(() => isDue() || nextStep(parts, done) !== undefined, stop)) {
    if (isDue()) {
      await keepMarks(parts, stop)
      keepAt = clock.monotonic() + KEEP_MS
    }
    const step = nextStep(parts, done)
    if (stop.aborted) return
    if (step === undefined) continue
    try {
      await begin(parts, step, stop)
    } catch (error) {
      if (stop.aborted) return
      postponeErasure(parts, step.id, { error, byMs: RETRY_MS })
      continue
    }
    done.add(nameOf(step))
    if (step.kind === 'erase') yield { kind: 'erasure', request: step.request, at: clock.now() }
  }
}

const RETRY_MS = 60_000
const KEEP_MS = 3_600_000

type Step =
  | { readonly kind: 'erase'; readonly id: string; readonly request: Erasure }
  | { readonly kind: 'end'; readonly id: string; readonly outcome: 'unknown' | 'cancelled' }

const nameOf = ({ kind, id }: Pick<Step, 'kind' | 'id'>) => `${kind} ${id}`

function nextStep(parts: ErasureParts, done: ReadonlySet<string>): Step | undefined {
  const { requests, builder, retryAt, clock } = parts
  const isDue = ({ id }: { readonly id: string }) =>
    !builder.isCarriedOut(id) && !done.has(`end ${id}`) && (retryAt.get(id) ?? 0) <= clock.monotonic()
  const cancelled = requests.cancelled().find((one) => one.kind === 'erase' && isDue(one))
  if (cancelled !== undefined) return { kind: 'end', id: cancelled.id, outcome: 'cancelled' }
  const isNext = (one: { readonly id: string }) => isDue(one) && !done.has(`erase ${one.id}`)
  const request = requests.open().find((one): one is Erasure => one.kind === 'erase' && isNext(one))
  if (request === undefined) return undefined
  const { id, client, force } = request
  return force || builder.knows(client) ? { kind: 'erase', id, request } : { kind: 'end', id, outcome: 'unknown' }
}

async function begin({ erasures, requests, observe }: ErasureParts, step: Step, stop: AbortSignal): Promise<void> {
  const { id } = step
  if (step.kind === 'erase')
    return await erasures.update({ open: [{ key: clientKey(step.request.client), request: id }] }, stop)
  const { outcome } = step
  if (outcome === 'cancelled') await erasures.update({ ended: [id] }, stop)
  requests.carriedOut([{ id, outcome }])
  observe({ kind: 'erasure-ended', request: id, outcome })
}

/** A request that cannot be carried out waits, and nothing else. */
export function postponeErasure(
  { requests, retryAt, clock, observe }: Pick<ErasureParts, 'requests' | 'retryAt' | 'clock' | 'observe'>,
  id: string,
  { error, byMs }: { readonly error: unknown; readonly byMs: number },
): void {
  const code = codeOf(error)
  retryAt.set(id, clock.monotonic() + byMs)
  requests.progressed({ id, code })
  observe({ kind: 'erasure-waits', code, error })
}
