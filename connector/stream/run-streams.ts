import type { Placement } from '../placement/placement.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import { type AssignedEvent, type Assignment, createAssignment } from './assignment.ts'
import type { StreamEnd } from './run-stream.ts'

interface RunStreamsParts<Stream> {
  readonly placement: Placement
  /** All configured ones. */
  readonly streams: readonly Stream[]
  /** Runs a stream whenever it is assigned, until it ends or `stop` aborts. Never rejects. */
  readonly run: (stream: Stream, assignment: Assignment, stop: AbortSignal) => Promise<StreamEnd>
  /** How long a stream may take to finish its page group after a stop. */
  readonly finishWithinMs: number
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
}

/** Runs the streams that placement assigns to this replica until all have ended, then leaves the group. */
export async function runStreams<Stream extends { readonly name: string }>(
  parts: RunStreamsParts<Stream>,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, StreamEnd>> {
  const { placement, run, clock, finishWithinMs, observe } = parts
  const assignment = createAssignment()
  using stopping = linkedAbort(stop)
  // Invariant 6: leave the group only after the streams have finished, so that none is taken in the middle of a page.
  using grace = graceAfter(stopping.signal, finishWithinMs, clock)
  using leave = linkedAbort(grace.signal)
  const onChange = (assigned: ReadonlySet<string>) => {
    const event = stopping.signal.aborted ? undefined : assignment.update(assigned)
    if (event !== undefined) observe(event)
  }
  const placing = placement.run(onChange, leave.signal)
  placing.catch(stopping.abort)
  const ends = await Promise.all(
    parts.streams.map(async (stream) => [stream.name, await run(stream, assignment, stopping.signal)] as const),
  )
  leave.abort()
  await placing
  return new Map(ends)
}
