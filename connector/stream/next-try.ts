import type { StreamFailure } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { type Pauses, pauseMs } from '../runtime/retry.ts'

const MINUTE_MS = 60_000

/** The pauses before a failed step is tried again, by what has failed. `jitter`: their random share. */
export const tryPauses = {
  retry: { firstPauseMs: 500, maxPauseMs: 30_000, maxRetryAfterMs: 2 * MINUTE_MS, jitter: 1 },
  /** Something outside must change. */
  hold: { firstPauseMs: MINUTE_MS, maxPauseMs: 15 * MINUTE_MS, maxRetryAfterMs: Number.POSITIVE_INFINITY, jitter: 0 },
  /** Another process has opened the stream: two that do so in turn do it ever more slowly. */
  fenced: { firstPauseMs: 5_000, maxPauseMs: 2 * MINUTE_MS, maxRetryAfterMs: 0, jitter: 0.5 },
}

export type TryPauses = Readonly<Record<StreamFailure['kind'], Pauses & { readonly jitter: number }>>
export type NextTries = ReturnType<typeof nextTries>

/** A fence after a longer time is again the first. */
const CALM_AFTER_MS = 5 * MINUTE_MS

/** Counts the failures of one stream by what they are, and says when the same step is tried again. */
export function nextTries(clock: Pick<Clock, 'random' | 'monotonic'>, pauses: TryPauses = tryPauses) {
  const counts = { retry: 0, hold: 0, fenced: 0 }
  let last: ErrorCode | undefined
  let fencedAt = Number.NEGATIVE_INFINITY
  return {
    /** Pauses are short again, but for those after a fence. */
    progress: () => {
      Object.assign(counts, { retry: 0, hold: 0 })
      last = undefined
    },
    after: (error: unknown): StreamFailure => {
      const code = codeOf(error)
      const kind = kindOf(code)
      if (kind === 'fenced') {
        if (clock.monotonic() - fencedAt > CALM_AFTER_MS) counts.fenced = 0
        fencedAt = clock.monotonic()
      }
      const times = ++counts[kind]
      const isRepeated = code === last
      last = code
      const share = 1 - pauses[kind].jitter * (1 - clock.random())
      const askedMs = error instanceof ConnectorError ? error.retryAfterMs : undefined
      return { error, kind, pauseMs: pauseMs(pauses[kind], times, share, askedMs), times, isRepeated }
    },
  }
}

function kindOf(code: ErrorCode): StreamFailure['kind'] {
  const { then } = errorCatalogue[code]
  if (then === 'lost') return 'fenced'
  return then === 'retry' ? 'retry' : 'hold'
}
