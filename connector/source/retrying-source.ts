import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { type RetryPolicy, retry } from '../runtime/retry.ts'
import type { ClientSource } from './client-source.ts'
import type { ObserveSource } from './source-event.ts'

/** A source that reads again after what may pass (see the catalogue), up to the policy; then its last error. */
export function retrying(
  source: ClientSource,
  parts: { clock: Clock; policy: RetryPolicy; observe: ObserveSource },
): ClientSource {
  const { clock, policy, observe } = parts
  const onRetry = (error: unknown, attempt: number) => observe({ kind: 'read-retried', code: codeOf(error), attempt })
  return {
    read: (at, stop) => retry(() => source.read(at, stop), { clock, policy, onRetry }, stop),
  }
}
