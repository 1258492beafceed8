import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { type Pauses, pauseAfter } from '../runtime/retry.ts'

/** What follows a failed try: the same step again, after a pause. */
export type NextTry =
  /** `attempt`: since the last progress. `isRepeated`: the try before has failed with the same code. */
  | { readonly kind: 'retry'; readonly pauseMs: number; readonly attempt: number; readonly isRepeated: boolean }
  /** Until something outside changes. `isRepeated`: the same code held the stream before. */
  | { readonly kind: 'hold'; readonly pauseMs: number; readonly isRepeated: boolean }
  /** Another process has opened the stream. `fences`: in succession. */
  | { readonly kind: 'fenced'; readonly pauseMs: number; readonly fences: number }

/** Counts the failures of one stream since its last progress. */
export interface NextTries {
  after(error: unknown, madeProgress: boolean): NextTry
}

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
/** A defect may be temporary: some of kafkajs occur only while brokers restart. */
const DEFECTS_IN_A_ROW = 5

/** Since the last progress. */
interface Tries {
  readonly attempt: number
  /** In a row. */
  readonly defects: number
  /** The codes of all holds. */
  readonly held: readonly ErrorCode[]
  readonly previous: ErrorCode | undefined
}

export function nextTries(
  clock: Pick<Clock, 'random' | 'monotonic'>,
  { retries, holdsMs }: TryPauses = tryPauses,
): NextTries {
  const fresh = (): Tries => ({ attempt: 0, defects: 0, held: [], previous: undefined })
  let tries = fresh()
  let fenced = { times: 0, at: Number.NEGATIVE_INFINITY }
  return {
    after: (error, madeProgress) => {
      const code = codeOf(error)
      const { then } = errorCatalogue[code]
      if (then === 'lost') {
        const at = clock.monotonic()
        fenced = { times: at - fenced.at <= fencing.calmAfterMs ? fenced.times + 1 : 1, at }
        const longestMs = Math.min(fencing.maxPauseMs, fencing.firstPauseMs * 2 ** (fenced.times - 1))
        return { kind: 'fenced', pauseMs: longestMs * (0.5 + clock.random() / 2), fences: fenced.times }
      }
      if (madeProgress) tries = fresh()
      const isRepeated = code === tries.previous
      const defects = then === 'reopen' ? tries.defects + 1 : 0
      tries = { ...tries, attempt: tries.attempt + 1, defects, previous: code }
      if (then === 'retry' || (then === 'reopen' && defects <= DEFECTS_IN_A_ROW)) {
        const pauseMs = pauseAfter(error, tries.attempt, { policy: retries, clock })
        return { kind: 'retry', pauseMs, attempt: tries.attempt, isRepeated }
      }
      const holdMs = holdsMs[Math.min(tries.held.length, holdsMs.length - 1)] ?? MINUTE_MS
      const pauseMs = Math.max(holdMs, error instanceof ConnectorError ? (error.retryAfterMs ?? 0) : 0)
      const wasHeld = tries.held.includes(code)
      tries = { ...tries, attempt: 0, held: [...tries.held, code] }
      return { kind: 'hold', pauseMs, isRepeated: wasHeld }
    },
  }
}
