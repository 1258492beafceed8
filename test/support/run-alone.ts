import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { type AttemptParts, attempts } from '../../connector/stream/attempt.ts'
import { runStream, type StreamAdapters, type StreamEnd, unattended } from '../../connector/stream/run-stream.ts'
import type { TryPolicy } from '../../connector/stream/tries.ts'

export interface AloneParts extends AttemptParts, TryPolicy {
  readonly clock: Clock
  readonly observe: Observe
  readonly check?: StreamAdapters['check']
}

/** The adapters of a stream on these parts. */
export const adaptersOf = (parts: AloneParts): StreamAdapters => ({
  attempt: attempts(() => parts),
  check: parts.check ?? (async () => {}),
  close: async () => {},
})

/** Runs a stream that is always assigned here, and that no operator pauses. */
export function runAlone(parts: AloneParts, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, observe, reopening, holding } = parts
  const compose = () => adaptersOf(parts)
  return runStream({ ...unattended(stop), compose, finishWithinMs: 10_000, clock, observe, reopening, holding }, stop)
}
