import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type RetryPolicy, retry } from '../runtime/retry.ts'
import type { StoreParts } from './checkpoint-store.ts'

/** How one call to a store is bounded. */
export interface CallLimits {
  /** What is being done to what, for messages: `write s3://bucket/key`. */
  readonly what: string
  /** Tries, pauses and reading back included. */
  readonly withinMs: number
}

// A store that is away for longer is a matter for the caller, which waits for ever.
const policy: RetryPolicy = { retries: 5, firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 5_000 }

/**
 * Runs `attempt` until it ends otherwise than with `storage.unavailable`, the tries are spent, the time is over (`storage.unavailable`),
 * or `finish` aborts (its reason): whatever `attempt` itself is waiting for then.
 */
export async function storeCall<Result>(
  attempt: (signal: AbortSignal) => Promise<Result>,
  { what, withinMs, parts }: CallLimits & { parts: StoreParts },
  finish: AbortSignal,
): Promise<Result> {
  finish.throwIfAborted()
  const over = parts.clock.deadline(withinMs, finish)
  let lastFailure: unknown
  const onRetry = (error: unknown, tries: number) => {
    lastFailure = error
    parts.onRetry(error, tries)
  }
  try {
    const settle = () => orAborted(settled(attempt(over.signal)), over.signal)
    const outcome = await retry(settle, { clock: parts.clock, policy, onRetry }, over.signal)
    if (outcome.kind === 'failed') throw outcome.error
    return outcome.result
  } catch (error) {
    if (finish.aborted) throw finish.reason
    if (!over.signal.aborted) throw error
    throw new ConnectorError('storage.unavailable', `${what}: not done within ${withinMs} ms`, { cause: lastFailure })
  } finally {
    over[Symbol.dispose]()
  }
}

type Settled<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: unknown }

/** Turns every failure but `storage.unavailable` into a value, so that it is not tried again. */
async function settled<Result>(running: Promise<Result>): Promise<Settled<Result>> {
  try {
    return { kind: 'done', result: await running }
  } catch (error) {
    if (codeOf(error) === 'storage.unavailable') throw error
    return { kind: 'failed', error }
  }
}

/** `running`, or a rejection with the signal's reason as soon as it aborts: not everything in the SDK and the file system hears a signal. */
function orAborted<Result>(running: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    running.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
