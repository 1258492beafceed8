import pRetry from 'p-retry'
import type { Clock } from './clock.ts'
import { ConnectorError, isTransient } from './connector-error.ts'

export interface RetryPolicy {
  /** Tries after the first one; `Infinity` for ever. */
  readonly retries: number
  /** Upper bound of the first pause; it doubles with each try. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  /** How much of what the other side asks for (`Retry-After`) is granted. */
  readonly maxRetryAfterMs: number
}

/** The pause before try `attempt` (1 = after the first failure): full jitter under a doubling cap, with `Retry-After` as the floor. */
export function pauseMs(policy: RetryPolicy, attempt: number, random: number, retryAfterMs = 0): number {
  const cap = Math.min(policy.maxPauseMs, policy.firstPauseMs * 2 ** (attempt - 1))
  return Math.max(Math.min(retryAfterMs, policy.maxRetryAfterMs), random * cap)
}

/**
 * Runs `operation` until it succeeds, fails for good (see the catalogue), or the retries are spent; throws its last error, or the
 * signal's reason. `onRetry` hears of every failure that is followed by another try.
 */
export function retry<Result>(
  operation: () => Promise<Result>,
  parts: { clock: Clock; policy: RetryPolicy; onRetry: (error: unknown, attempt: number) => void },
  stop: AbortSignal,
): Promise<Result> {
  const { clock, policy } = parts
  return pRetry(operation, {
    retries: policy.retries,
    minTimeout: 0, // the pause is ours: on the clock, with full jitter
    signal: stop,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!isTransient(error)) return false
      parts.onRetry(error, attemptNumber)
      const retryAfterMs = error instanceof ConnectorError ? error.retryAfterMs : undefined
      await clock.sleep(pauseMs(policy, attemptNumber, clock.random(), retryAfterMs), stop)
      return true
    },
  })
}
