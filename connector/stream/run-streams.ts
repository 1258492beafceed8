import type { Placement } from '../placement/placement.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import { type AssignedEvent, type Assignment, createAssignment } from './assignment.ts'
import type { StreamEnd } from './run-stream.ts'

interface RunStreamsParts {
  readonly placement: Placement
  /** Runs a stream whenever it is assigned, until `stop` aborts or no further assignment can follow. Never rejects. */
  readonly run: (stream: string, assignment: Assignment, stop: AbortSignal) => Promise<StreamEnd>
  /** How long a stream may take to finish its page group after a stop. */
  readonly finishWithinMs: number
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
}

/**
 * Runs the streams that placement assigns to this replica. Ends when all streams have ended and either `stop` has
 * aborted or placement will not change any more; then leaves the group. Resolves to how the last run of each stream
 * ended.
 */
export async function runStreams(parts: RunStreamsParts, stop: AbortSignal): Promise<ReadonlyMap<string, StreamEnd>> {
  const { placement, run, clock, finishWithinMs, observe } = parts
  const assignment = createAssignment()
  const streams = new Map<string, Promise<StreamEnd>>()
  using stopping = linkedAbort(stop)
  const onChange = (assigned: ReadonlySet<string>) => {
    if (stopping.signal.aborted) return
    const { gained, lost, isFirst } = assignment.update(assigned)
    if (gained.length + lost.length > 0 || isFirst) {
      observe({ kind: 'assignment-changed', streams: assigned.size, gained, lost })
    }
    for (const stream of gained) {
      if (!streams.has(stream)) streams.set(stream, run(stream, assignment, stopping.signal))
    }
  }
  // Invariant 6: leave the group only after the streams have finished, so that none is taken in the middle of a page.
  using grace = graceAfter(stopping.signal, finishWithinMs, clock)
  using leave = linkedAbort(grace.signal)
  const placing = placement.run(onChange, leave.signal)
  placing.then(
    () => assignment.close(),
    (error) => stopping.abort(error),
  )
  await assignment.until(assignment.isFinal, stopping.signal)
  const ends = await Promise.all([...streams].map(async ([stream, end]) => [stream, await end] as const))
  leave.abort()
  await placing
  return new Map(ends)
}
