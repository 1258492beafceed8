import { noRequests } from '../../connector/control/control-document.ts'
import type { Observe } from '../../connector/pipeline/pipeline-event.ts'
import type { Placement } from '../../connector/placement/placement.ts'
import { createChanges } from '../../connector/runtime/changes.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import type { AssignedEvent, Assignment } from '../../connector/stream/assignment.ts'
import type { Attempt } from '../../connector/stream/attempt.ts'
import { contention } from '../../connector/stream/contention.ts'
import { desiredState } from '../../connector/stream/desired-state.ts'
import { runStream, type StreamEnd } from '../../connector/stream/run-stream.ts'

interface AssignedParts {
  readonly placement: Pick<Placement, 'assignmentOf' | 'isConfirmed'>
  readonly clock: Clock
  readonly attempt: (stream: string, leave: AbortSignal, giveUp: AbortSignal) => ReturnType<Attempt>
  readonly observe?: (stream: string) => Observe
  readonly observeReplica?: (event: AssignedEvent) => void
}

/** Runs a stream that no operator pauses and that is never held, for `runStreams`. */
export function assignedStream({ placement, clock, attempt, ...parts }: AssignedParts) {
  return (stream: string, assignment: Assignment, stop: AbortSignal): Promise<StreamEnd> => {
    const observe = parts.observe?.(stream) ?? (() => {})
    const control = {
      current: () => noRequests,
      failure: () => undefined,
      until: createChanges().until,
      carriedOut: () => {},
    }
    return runStream(
      {
        desired: desiredState({ stream, assignment, control, observe }, stop),
        contention: contention({ stream, placement, assignment, clock, observe: parts.observeReplica ?? (() => {}) }),
        compose: (giveUp) => ({
          attempt: (_step, leave) => attempt(stream, leave, giveUp),
          check: async () => {},
          close: async () => {},
        }),
        settle: async () => {},
        reopening: { firstPauseMs: 0, maxPauseMs: 0, maxRetryAfterMs: 0 },
        holding: undefined,
        finishWithinMs: 10_000,
        clock,
        observe,
      },
      stop,
    )
  }
}
