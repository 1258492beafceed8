import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import type { StreamEnd } from '../../connector/stream/next-step.ts'
import { type RunParts, runStream, type StreamParts } from '../../connector/stream/run-stream.ts'
import { createAssignment } from '../../connector/stream/run-streams.ts'

export interface AloneParts
  extends StreamParts,
    Partial<Pick<RunParts, 'pauses' | 'lookEveryMs' | 'whenHeld' | 'assignment' | 'compose'>> {
  readonly clock: Clock
  readonly observe: Observe
}

/** These streams are assigned here for good. */
function assigned(...streams: readonly string[]) {
  const assignment = createAssignment()
  assignment.update(new Set(streams))
  return assignment
}

/** What a test composes a stream of: it ends when `giveUp` aborts, and what the pipeline reports is watched. */
const composed =
  ({ openParts, pipelineParts }: StreamParts): RunParts['compose'] =>
  ({ giveUp, observe }) => ({
    openParts,
    pipelineParts: { ...pipelineParts, giveUp, readerParts: { ...pipelineParts.readerParts, observe } },
  })

/** Runs a stream that is always assigned here; it ends instead of being held, unless `whenHeld` says otherwise. */
export function runAlone(parts: AloneParts, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, observe, whenHeld = 'ends', pauses, lookEveryMs } = parts
  const { stream } = parts.openParts.identity
  return runStream(
    {
      stream,
      assignment: parts.assignment ?? assigned(stream),
      compose: parts.compose ?? composed(parts),
      finishWithinMs: 10_000,
      whenHeld,
      ...(pauses && { pauses }),
      ...(lookEveryMs && { lookEveryMs }),
      clock,
      observe,
    },
    stop,
  )
}
