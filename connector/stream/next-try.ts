import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { type Pauses, pauseAfter } from '../runtime/retry.ts'

/** What follows a failed try: the same step again, after a pause. */
interface NextTry {
  /** `hold`: something outside must change. `fenced`: another process has opened the stream. */
  readonly kind: 'retry' | 'hold' | 'fenced'
  readonly pauseMs: number
  /** In succession, of this kind. */
  readonly times: number
  /** The try before has failed with the same code. */
  readonly isRepeated: boolean
}

export type NextTries = ReturnType<typeof nextTries>

const MINUTE_MS = 60_000

/** The pauses before the same step again. */
export interface TryPauses {
  readonly retries: Pauses
  /** The last one is repeated. */
  readonly holdsMs: readonly number[]
}

export const tryPauses: TryPauses = {
  retries: { firstPauseMs: 500, maxPauseMs: 30_000, maxRetryAfterMs: 2 * MINUTE_MS },
  holdsMs: [1, 2, 4, 8, 15].map((minutes) => minutes * MINUTE_MS),
}

/** Two processes that open a stream in turn do so ever more slowly. */
const fencing = { firstPauseMs: 5_000, maxPauseMs: 2 * MINUTE_MS, calmAfterMs: 5 * MINUTE_MS }

/** Counts the failures of one stream. */
export function nextTries(clock: Pick<Clock, 'random' | 'monotonic'>, { retries, holdsMs }: TryPauses = tryPauses) {
  const fresh = { retry: 0, hold: 0, code: undefined as ErrorCode | undefined }
  let since = fresh
  let fenced = { times: 0, at: Number.NEGATIVE_INFINITY }
  return {
    /** Pauses are short again, but for those after a fence. */
    progress: () => {
      since = fresh
    },
    after: (error: unknown): NextTry => {
      const code = codeOf(error)
      const { then } = errorCatalogue[code]
      const isRepeated = code === since.code
      if (then === 'lost') {
        const at = clock.monotonic()
        const times = at - fenced.at <= fencing.calmAfterMs ? fenced.times + 1 : 1
        fenced = { times, at }
        const longestMs = Math.min(fencing.maxPauseMs, fencing.firstPauseMs * 2 ** (times - 1))
        return { kind: 'fenced', pauseMs: longestMs * (0.5 + clock.random() / 2), times, isRepeated }
      }
      if (then === 'retry') {
        const times = since.retry + 1
        since = { ...since, retry: times, code }
        return { kind: 'retry', pauseMs: pauseAfter(error, times, { policy: retries, clock }), times, isRepeated }
      }
      const times = since.hold + 1
      since = { retry: 0, hold: times, code }
      const holdMs = holdsMs[Math.min(times, holdsMs.length) - 1] ?? MINUTE_MS
      const askedMs = error instanceof ConnectorError ? (error.retryAfterMs ?? 0) : 0
      return { kind: 'hold', pauseMs: Math.max(holdMs, askedMs), times, isRepeated }
    },
  }
}
