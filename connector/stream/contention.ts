import type { Placement } from '../placement/placement.ts'
import type { Clock } from '../runtime/clock.ts'
import { pauseMs } from '../runtime/retry.ts'
import type { AssignedEvent, Assignment } from './assignment.ts'

export const contentionPolicy = {
  /** Upper bound of the first pause; doubles each time. The actual pause is at least half of it. */
  firstPauseMs: 5_000,
  maxPauseMs: 120_000,
  /** A run longer than this resets the count. */
  calmAfterMs: 300_000,
  /** How often to check whether placement confirms the assignment. */
  recheckMs: 1_000,
}

/** Decides when a stream that another process took may be opened again. */
export interface Contention {
  /** The stream is opened under the present assignment. */
  started(): void
  /**
   * Waits until a lost stream may run here again. After an assignment newer than the run, this is immediate: the other
   * process may have acted on an older assignment. Otherwise another process also claims the stream, or an operator
   * wrote its checkpoint: pause, longer each time, until placement confirms the assignment. Returns at once if the
   * stream is not assigned here any more, or no further assignment can follow.
   */
  untilReopenable(stop: AbortSignal): Promise<void>
  /** No further assignment can follow. */
  isFinal(): boolean
}

interface ContentionParts {
  readonly stream: string
  readonly placement: Pick<Placement, 'assignmentOf' | 'isConfirmed'>
  readonly assignment: Assignment
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
}

export function contention({ stream, placement, assignment, clock, observe }: ContentionParts): Contention {
  let fences = 0
  const now = () => ({
    epoch: assignment.epoch(stream),
    generation: assignment.generation(),
    at: clock.monotonic(),
  })
  let started = now()
  const wasReassigned = () => !assignment.isAssigned(stream) || assignment.epoch(stream) !== started.epoch
  const isNewer = () => assignment.generation() > started.generation
  const isOver = () => wasReassigned() || isNewer() || assignment.isFinal()
  return {
    isFinal: assignment.isFinal,
    started: () => {
      if (wasReassigned()) fences = 0
      started = now()
    },
    untilReopenable: async (stop) => {
      const within = async (ms: number, condition: () => boolean) => {
        using limit = clock.deadline(ms, stop)
        await assignment.until(condition, limit.signal)
      }
      const lostAt = clock.monotonic()
      // Not contention: the group session had expired, or the fence predates the current assignment.
      const isContested =
        !isNewer() && placement.assignmentOf(stream) === 'here' && lostAt - started.at <= contentionPolicy.calmAfterMs
      fences = isContested ? fences + 1 : 1
      const pause = pauseMs({ ...contentionPolicy, maxRetryAfterMs: 0 }, fences, 0.5 + clock.random() / 2)
      if (fences > 1) observe({ kind: 'stream-contested', stream, fences, pauseMs: pause })
      await within(pause, isOver)
      const mayRun = () => isOver() || placement.isConfirmed(stream, lostAt)
      while (!mayRun() && !stop.aborted) await within(contentionPolicy.recheckMs, mayRun)
    },
  }
}
