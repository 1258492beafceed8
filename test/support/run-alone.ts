import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import { whenAborted } from '../../connector/runtime/abort.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { type AttemptParts, attempts } from '../../connector/stream/attempt.ts'
import { runStream, type StreamAdapters, type StreamEnd, type StreamParts } from '../../connector/stream/run-stream.ts'
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

/** Nobody pauses the stream, holds it or takes it back. */
export function unattended(stop: AbortSignal): Pick<StreamParts, 'desired' | 'holding' | 'settle' | 'contention'> {
  const desired: StreamParts['desired'] = {
    current: () => ({ kind: stop.aborted ? 'stop' : 'run', id: '' }),
    until: async (condition, ended) => {
      while (!condition() && !ended.aborted) await whenAborted(ended)
      return condition()
    },
    untilKnown: async () => {},
    pause: () => undefined,
    carriedOut: () => {},
  }
  const contention = { started: () => {}, untilReopenable: async () => {}, isFinal: () => true }
  return { desired, holding: undefined, settle: async () => {}, contention }
}

/** Runs a stream that is always assigned here, and that no operator pauses. */
export function runAlone(parts: AloneParts, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, observe, reopening, holding } = parts
  const compose = () => adaptersOf(parts)
  return runStream({ ...unattended(stop), compose, finishWithinMs: 10_000, clock, observe, reopening, holding }, stop)
}
