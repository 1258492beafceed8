import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { createAssignment } from '../../connector/stream/assignment.ts'
import { runStream, type StreamEnd, type StreamParts } from '../../connector/stream/run-stream.ts'
import { type SessionParts, streamSession } from '../../connector/stream/stream-session.ts'

export interface AloneParts extends SessionParts, Partial<Pick<StreamParts, 'pauses' | 'whenHeld'>> {
  readonly clock: Clock
  readonly observe: Observe
}

/** These streams are assigned here for good. */
export function assigned(...streams: readonly string[]) {
  const assignment = createAssignment()
  assignment.update(new Set(streams))
  return assignment
}

/** Runs a stream that is always assigned here; it ends instead of being held, unless `whenHeld` says otherwise. */
export function runAlone(parts: AloneParts, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, observe, whenHeld = 'ends', pauses } = parts
  const { stream } = parts.open.identity
  return runStream(
    {
      stream,
      assignment: assigned(stream),
      compose: () => streamSession(() => parts),
      finishWithinMs: 10_000,
      whenHeld,
      ...(pauses && { pauses }),
      clock,
      observe,
    },
    stop,
  )
}
