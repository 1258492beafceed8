import pRetry from 'p-retry'
import type { Clock } from './clock.ts'
import { ConnectorError, isTransient } from './connector-error.ts'

/** How long to wait between attempts. */
export interface Pauses {
  /** The first pause is at most this; the bound doubles with each attempt. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  /** The server may request a pause of at most this (`Retry-After`). */
  readonly maxRetryAfterMs: number
  /** The random share of a pause. Default: all of it. */
  readonly jitter?: number
}

export interface RetryPolicy extends Pauses {
  /** So many attempts follow the first one; `Infinity`: unlimited. */
  readonly retries: number
}

/**
 * Returns the pause after failed attempt `attempt` (from 1): full jitter under a doubling cap, at least `Retry-After`.
 */
export function pauseAfterError(
  error: unknown,
  attempt: number,
  { policy, clock }: { policy: Pauses; clock: Pick<Clock, 'random'> },
): number {
  const { firstPauseMs, maxPauseMs, maxRetryAfterMs, jitter = 1 } = policy
  const cap = Math.min(maxPauseMs, firstPauseMs * 2 ** (attempt - 1))
  const askedMs = (error instanceof ConnectorError && error.retryAfterMs) || 0
  return Math.max(Math.min(askedMs, maxRetryAfterMs), cap * (1 - jitter * (1 - clock.random())))
}

interface RetryParts {
  readonly clock: Clock
  readonly policy: RetryPolicy
  /** Called after each transient failure; false stops retrying before the policy does. Default: always true. */
  readonly mayRetry?: (error: unknown) => boolean
  /** Called for each failure that is followed by another attempt. */
  readonly onRetry: (error: unknown, attempt: number) => void
}

/**
 * Runs `operation` until it succeeds, fails with a permanent error (see the catalogue), or the retries are exhausted.
 * Rejects with the last error, or with the reason of `stop`.
 */
export function retry<Result>(
  operation: () => Promise<Result>,
  { clock, policy, mayRetry = () => true, onRetry }: RetryParts,
  stop: AbortSignal,
): Promise<Result> {
  return pRetry(operation, {
    retries: policy.retries,
    minTimeout: 0, // `shouldRetry` pauses instead, on `clock`
    signal: stop,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!isTransient(error) || !mayRetry(error)) return false
      onRetry(error, attemptNumber)
      await clock.sleep(pauseAfterError(error, attemptNumber, { policy, clock }), stop)
      return true
    },
  })
}
