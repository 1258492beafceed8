import type { Placement } from '../placement/placement.ts'
import { linkedAbort, whenAborted } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import type { AssignedEvent } from './assignment.ts'
import { createAssignment } from './assignment.ts'
import type { StreamEnd } from './run-stream.ts'
import { type SuperviseParts, superviseStream } from './supervise-stream.ts'

interface SupervisorParts {
  readonly placement: Placement
  /** Runs one stream until it ends or `stop` aborts; `giveUp` aborts `finishWithinMs` after `stop`. */
  readonly start: (stream: string, stop: AbortSignal, giveUp: AbortSignal) => Promise<StreamEnd>
  /** How long a stream may take to finish its page group after a stop. */
  readonly finishWithinMs: number
  /** When to reopen a stream that another process took. */
  readonly contention: SuperviseParts['contention']
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
}

/**
 * Runs the streams assigned to this replica, each at most once at a time. Ends when all streams have ended and either
 * `stop` has aborted or placement will not change any more; then leaves the group. Resolves to how the last run of each
 * stream ended.
 */
export async function superviseStreams(
  parts: SupervisorParts,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, StreamEnd>> {
  const { placement, clock, finishWithinMs, observe } = parts
  const lastEnds = new Map<string, StreamEnd>()
  using stopping = linkedAbort(stop)
  const stopAll = stopping.signal
  using settling = linkedAbort(stopAll)
  const shared = { ...parts, lastEnds, assignment: createAssignment(), noChange: settling.signal }
  const supervised = new Map<string, Promise<void>>()
  const onChange = (streams: ReadonlySet<string>) => {
    if (stopAll.aborted) return
    const { gained, lost, isFirst } = shared.assignment.update(streams)
    if (gained.length + lost.length > 0 || isFirst) {
      observe({ kind: 'assignment-changed', streams: streams.size, gained, lost })
    }
    for (const stream of gained) {
      if (!supervised.has(stream)) supervised.set(stream, superviseStream({ ...shared, stream }, stopAll))
    }
  }
  // Invariant 6: leave the group only after the streams have finished, so that none is taken in the middle of a page.
  const leave = new AbortController()
  using grace = graceAfter(stopAll, finishWithinMs, clock)
  grace.signal.addEventListener('abort', () => leave.abort(), { once: true })
  const placing = placement.run(onChange, leave.signal)
  placing.then(
    () => settling.abort(),
    (error) => stopping.abort(error),
  )
  await whenAborted(shared.noChange)
  await Promise.all(supervised.values())
  leave.abort()
  await placing
  return lastEnds
}
