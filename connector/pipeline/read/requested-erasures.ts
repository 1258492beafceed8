import type { ErasureMarks } from '../../checkpoint/erasure-marks.ts'
import type { Erasure, StreamRequests } from '../../control/stream-requests.ts'
import type { Clock } from '../../runtime/clock.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { Observe } from '../pipeline-event.ts'
import type { ErasureReading } from './page-reading.ts'

interface ErasureParts {
  readonly requests: Pick<StreamRequests, 'open' | 'until'>
  readonly erasures: Pick<ErasureMarks, 'read'>
  readonly clock: Clock
  readonly observe: Observe
}

const RETRY_MS = 60_000

/**
 * Yields each open erasure once, except those that the checkpoint shows as `carriedOut`. Without the marks, an erasure
 * waits, and nothing else. Ends when `stop` aborts; never rejects.
 */
export async function* requestedErasures(
  { requests, erasures, clock, observe }: ErasureParts,
  carriedOut: readonly { readonly id: string }[],
  stop: AbortSignal,
): AsyncGenerator<ErasureReading, void> {
  const known = new Set(carriedOut.map(({ id }) => id))
  const next = () => requests.open().find((one): one is Erasure => one.kind === 'erase' && !known.has(one.id))
  while (await requests.until(() => next() !== undefined, stop)) {
    const request = next()
    if (stop.aborted || request === undefined) return
    try {
      await erasures.read(stop)
    } catch (error) {
      if (stop.aborted) return
      observe({ kind: 'erasure-waits', code: codeOf(error), error })
      await clock.sleep(RETRY_MS, stop).catch(() => {})
      continue
    }
    known.add(request.id)
    yield { kind: 'erasure', request, at: clock.now() }
  }
}
