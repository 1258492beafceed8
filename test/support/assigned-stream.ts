import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { runStream, type StreamEnd } from '../../connector/stream/run-stream.ts'
import type { Assignment } from '../../connector/stream/run-streams.ts'
import { stage } from '../unit/stream/open/open-parts.ts'

interface AssignedParts {
  readonly clock: Clock
  /** Resolves to why a try fails; undefined: it stops at `leave`. */
  readonly attempt: (stream: string, leave: AbortSignal, giveUp: AbortSignal) => Promise<Error | undefined>
  readonly observe?: (stream: string) => Observe
}

/** Runs a stream for `runStreams` without opening it; no operator wants anything of it. */
export function assignedStream({ clock, attempt, ...parts }: AssignedParts) {
  return ({ name: stream }: { readonly name: string }, assignment: Assignment, stop: AbortSignal): Promise<StreamEnd> =>
    runStream(
      {
        stream,
        assignment,
        compose: ({ giveUp }) => {
          const { streamParts } = stage()
          const acquire = async (leave: AbortSignal) => {
            throw (await attempt(stream, leave, giveUp)) ?? leave.reason
          }
          return { ...streamParts, open: { ...streamParts.open, openLimit: { acquire } } }
        },
        finishWithinMs: 10_000,
        whenHeld: 'ends',
        clock,
        observe: parts.observe?.(stream) ?? (() => {}),
      },
      stop,
    )
}
