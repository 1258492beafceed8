import type { PipelineEvent, StreamFailure } from '../pipeline/pipeline-event.ts'
import { type Clock, MINUTE_MS } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { type Pauses, pauseAfterError } from '../runtime/retry.ts'

/** A failed step is tried again after these pauses. `jitter` is their random share. */
export const tryPauses = {
  retry: { firstPauseMs: 500, maxPauseMs: 30_000, maxRetryAfterMs: 2 * MINUTE_MS },
  /** Something outside must change. A `Retry-After` is ignored, since it may ask for a day. */
  hold: { firstPauseMs: MINUTE_MS, maxPauseMs: 15 * MINUTE_MS, maxRetryAfterMs: 0, jitter: 0 },
  /** Another process has opened the stream. If two open it in turn, they do so ever more slowly. */
  fenced: { firstPauseMs: 5_000, maxPauseMs: 2 * MINUTE_MS, maxRetryAfterMs: 0, jitter: 0.5 },
}

export type TryPauses = Readonly<Record<StreamFailure['kind'], Pauses>>

/**
 * Counts the failures of one stream while it is assigned here (docs/decisions/20261202-when-a-failure-is-over.md). A
 * failure is over when, after it, a page group with records is committed or a live scan ends. If one with the same code
 * comes back before the stream has run for five minutes, it recurs: then only five minutes without a failure end it.
 * Otherwise an empty live page, which every opening reads first, would end each failure of a history.
 */
export interface StreamTries {
  /** Tells that the stream is open and copies pages, in a try that began at this time of the monotonic clock. */
  onRunning(beganAt: number): void
  onEvent(event: PipelineEvent): void
  /** Whether the last failure is not over. */
  isFailing(): boolean
  /** Whether a delivery has failed, and that is not over. */
  isDeliveryFailing(): boolean
  /** Counts a failure, and says when the same step is tried again. */
  afterFailure(error: unknown, of: 'delivery' | 'other'): StreamFailure
}

/** After this time without a failure, pauses are short again, and a failure that recurs is over. */
const CALM_AFTER_MS = 5 * MINUTE_MS

export function streamTries(clock: Pick<Clock, 'random' | 'monotonic'>, pauses: TryPauses = tryPauses): StreamTries {
  const counts = { retry: 0, hold: 0, fenced: 0 }
  /**
   * `failingCodes` are those of the failures that are not over, `endedCodes` those of failures that were over before
   * the stream had run for five minutes.
   */
  const failingCodes = new Set<ErrorCode>()
  const endedCodes = new Set<ErrorCode>()
  let recurs = false
  let isDelivery = false
  let runningSince: number | undefined
  let fencedAt = Number.NEGATIVE_INFINITY

  const endFailures = () => {
    for (const code of failingCodes) if (kindOf(code) !== 'fenced') endedCodes.add(code)
    failingCodes.clear()
    recurs = false
    isDelivery = false
  }
  const endAfterCalm = () => {
    if (runningSince === undefined || clock.monotonic() - runningSince < CALM_AFTER_MS) return
    endFailures()
    endedCodes.clear()
    counts.retry = 0
    counts.hold = 0
  }
  return {
    onRunning: (beganAt) => {
      runningSince = beganAt
    },
    onEvent: (event) => {
      endAfterCalm()
      if (!recurs && isWork(event)) endFailures()
    },
    isFailing: () => failingCodes.size > 0,
    isDeliveryFailing: () => isDelivery,
    afterFailure: (error, of) => {
      endAfterCalm()
      runningSince = undefined
      const code = codeOf(error)
      const kind = kindOf(code)
      const isRepeated = failingCodes.has(code)
      failingCodes.add(code)
      recurs ||= endedCodes.has(code)
      isDelivery ||= of === 'delivery'
      if (kind === 'fenced') {
        if (clock.monotonic() - fencedAt > CALM_AFTER_MS) counts.fenced = 0
        fencedAt = clock.monotonic()
      }
      const times = ++counts[kind]
      return { error, kind, pauseMs: pauseAfterError(error, times, { policy: pauses[kind], clock }), times, isRepeated }
    },
  }
}

/** Whether a page group with records was committed, or a live scan has ended. */
function isWork(event: PipelineEvent) {
  if (event.kind !== 'pages-published') return false
  const { hasLiveEnd, deadLetters, countsByLane } = event
  return hasLiveEnd || deadLetters > 0 || [...countsByLane.values()].some(({ events }) => events > 0)
}

function kindOf(code: ErrorCode): StreamFailure['kind'] {
  const { then } = errorCatalogue[code]
  if (then === 'lost') return 'fenced'
  return then === 'retry' ? 'retry' : 'hold'
}
