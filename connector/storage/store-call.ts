import { untilAborted } from '../runtime/abort.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type RetryPolicy, retry } from '../runtime/retry.ts'
import type { StoreParts } from './checkpoint-store.ts'

export interface CallLimits {
  /** Operation and location, for messages: `write s3://bucket/key`. */
  readonly what: string
  /** The whole call, including retries, pauses and reading back, must end within this time. */
  readonly withinMs: number
  readonly parts: StoreParts
}

// A longer outage is handled by the caller, which retries indefinitely.
const policy: RetryPolicy = { retries: 5, firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 5_000 }

/**
 * Runs `attempt` and retries it after `storage.unavailable`. Rejects with the last error when no retries are left, with
 * `storage.unavailable` after `withinMs`, and with the reason of `finish` when it aborts, even if `attempt` ignores its
 * signal.
 */
export async function storeCall<Result>(
  attempt: (signal: AbortSignal) => Promise<Result>,
  { what, withinMs, parts }: CallLimits,
  finish: AbortSignal,
): Promise<Result> {
  finish.throwIfAborted()
  using limit = parts.clock.deadline(withinMs, finish)
  let lastFailure: unknown
  const onRetry = (error: unknown, attempts: number) => {
    lastFailure = error
    parts.onRetry(error, attempts)
  }
  const mayRetry = (error: unknown) => codeOf(error) === 'storage.unavailable'
  try {
    // `untilAborted`: parts of the SDK and the file system ignore signals.
    const operation = () => untilAborted(limit.signal, attempt(limit.signal))
    return await retry(operation, { clock: parts.clock, policy, mayRetry, onRetry }, limit.signal)
  } catch (error) {
    if (finish.aborted) throw finish.reason
    if (!limit.signal.aborted) throw error
    throw new ConnectorError('storage.unavailable', `${what}: not done within ${withinMs} ms`, { cause: lastFailure })
  }
}
