import type { CheckRequests } from '../control/check-requests.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { type Pauses, pauseAfter } from '../runtime/retry.ts'

/** How a stream is held that cannot continue until something outside changes. */
export interface Holding {
  /** Requests of operators to check at once. */
  readonly requests: CheckRequests
  /** The pause before the first check; doubles with each check. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
}

export interface TryPolicy {
  /** The pauses between the attempts, which are unlimited. */
  readonly reopening: Pauses
  /** Undefined: the stream ends instead of being held, or of waiting while it is paused. */
  readonly holding: Holding | undefined
}

/** What follows a failed attempt. */
type AfterFailure =
  /** `attempt`: since the last progress. `isRepeated`: the previous attempt failed with the same code. */
  | { readonly kind: 'retry'; readonly pauseMs: number; readonly attempt: number; readonly isRepeated: boolean }
  | { readonly kind: 'hold'; readonly holding: Holding }
  | { readonly kind: 'lost' | 'give-up' }

/** The attempts to run a stream since its last progress. */
export interface Tries {
  failed(error: unknown, madeProgress: boolean): AfterFailure
  /** The pause before the next check of a held stream. */
  checkPauseMs(holding: Omit<Holding, 'requests'>, cause: unknown): number
}

/** A defect may be temporary: some of kafkajs occur only while brokers restart. */
const DEFECTS_IN_A_ROW = 5

export function createTries({ reopening, holding }: TryPolicy, clock: Pick<Clock, 'random'>): Tries {
  const fresh = () => ({ attempt: 0, defects: 0, checks: 0, previous: undefined })
  let tries: { attempt: number; defects: number; checks: number; previous: ErrorCode | undefined } = fresh()
  return {
    failed: (error, madeProgress) => {
      const code = codeOf(error)
      const { then } = errorCatalogue[code]
      if (then === 'lost') return { kind: 'lost' }
      if (madeProgress) tries = fresh()
      tries.attempt += 1
      tries.defects = then === 'reopen' ? tries.defects + 1 : 0
      const isTransient = then === 'retry' || (then === 'reopen' && tries.defects <= DEFECTS_IN_A_ROW)
      if (isTransient) {
        const pauseMs = pauseAfter(error, tries.attempt, { policy: reopening, clock })
        const isRepeated = code === tries.previous
        tries.previous = code
        return { kind: 'retry', pauseMs, attempt: tries.attempt, isRepeated }
      }
      tries.attempt = 0
      tries.previous = undefined
      return holding === undefined ? { kind: 'give-up' } : { kind: 'hold', holding }
    },
    checkPauseMs: ({ firstPauseMs, maxPauseMs }, cause) => {
      const requested = cause instanceof ConnectorError ? cause.retryAfterMs : undefined
      if (requested !== undefined) return Math.min(maxPauseMs, Math.max(firstPauseMs, requested))
      tries.checks += 1
      return Math.min(maxPauseMs, firstPauseMs * 2 ** (tries.checks - 1))
    },
  }
}
