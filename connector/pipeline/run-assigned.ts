import type { Placement } from '../placement/placement.ts'
import type { Clock } from '../runtime/clock.ts'
import { graceAfter } from '../runtime/grace.ts'
import type { AssignedEvent } from './assigned-event.ts'
import { createAssignment } from './assignment.ts'
import { type KeepStreamParts, keepStream } from './keep-stream.ts'
import type { StreamEnd } from './run-stream.ts'

export interface RunAssignedParts {
  readonly placement: Placement
  /** Runs one stream until it ends by itself or `stop` aborts; `giveUp` aborts `finishWithinMs` after `stop`. */
  readonly start: (stream: string, stop: AbortSignal, giveUp: AbortSignal) => Promise<StreamEnd>
  /** How long a stream may take to finish its page once it is told to stop. */
  readonly finishWithinMs: number
  /** When a stream that was taken by another owner runs here again. */
  readonly contest: KeepStreamParts['contest']
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
}

/**
 * Runs the streams that are assigned to this replica, each at most once at a time, until `stop` aborts and all have ended, or all have ended
 * and the placement says that nothing will change. Then the group is left. Resolves to the last end of each stream.
 */
export async function runAssigned(parts: RunAssignedParts, stop: AbortSignal): Promise<ReadonlyMap<string, StreamEnd>> {
  const { placement, clock, finishWithinMs, observe } = parts
  const ends = new Map<string, StreamEnd>()
  const broken = new AbortController()
  const settled = new AbortController()
  const stopAll = AbortSignal.any([stop, broken.signal])
  const keeping = {
    ...parts,
    ends,
    assignment: createAssignment(),
    noChange: AbortSignal.any([stopAll, settled.signal]),
  }
  const keepers = new Map<string, Promise<void>>()
  const onChange = (streams: ReadonlySet<string>) => {
    if (stopAll.aborted) return
    const { gained, lost, isFirst } = keeping.assignment.take(streams)
    if (gained.length + lost.length > 0 || isFirst) {
      observe({ kind: 'assignment-changed', streams: streams.size, gained, lost })
    }
    for (const stream of gained) {
      if (!keepers.has(stream)) keepers.set(stream, keepStream({ ...keeping, stream }, stopAll))
    }
  }
  // Invariant 6: the streams finish before the group is left, so that nobody takes them in the middle of a page.
  const leave = new AbortController()
  using grace = graceAfter(stopAll, finishWithinMs, clock)
  grace.signal.addEventListener('abort', () => leave.abort(), { once: true })
  const placing = placement.run(onChange, leave.signal)
  placing.then(
    () => settled.abort(),
    (error) => broken.abort(error),
  )
  await aborted(keeping.noChange)
  await Promise.all(keepers.values())
  leave.abort()
  await placing
  return ends
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
