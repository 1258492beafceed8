import { noWishes } from '../../connector/checkpoint/wishes.ts'
import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import { whenAborted } from '../../connector/runtime/abort.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import type { Assignment } from '../../connector/stream/assignment.ts'
import { runStream, type StreamEnd } from '../../connector/stream/run-stream.ts'
import type { TryEnd } from '../../connector/stream/stream-session.ts'

interface AssignedParts {
  readonly clock: Clock
  readonly attempt: (stream: string, leave: AbortSignal, giveUp: AbortSignal) => Promise<TryEnd>
  readonly observe?: (stream: string) => Observe
  readonly whenHeld?: 'waits' | 'ends'
}

/** Runs a stream for `runStreams` without opening it; no operator wants anything of it. */
export function assignedStream({ clock, attempt, whenHeld = 'ends', ...parts }: AssignedParts) {
  return ({ name: stream }: { readonly name: string }, assignment: Assignment, stop: AbortSignal): Promise<StreamEnd> =>
    runStream(
      {
        stream,
        assignment,
        compose: (giveUp) => ({
          run: ({ leave, onOpen }) => {
            onOpen()
            return attempt(stream, leave, giveUp)
          },
          wishes: () => noWishes,
          untilChanged: whenAborted,
          close: async () => {},
        }),
        finishWithinMs: 10_000,
        whenHeld,
        clock,
        observe: parts.observe?.(stream) ?? (() => {}),
      },
      stop,
    )
}
