import { EventEmitter, once } from 'node:events'
import type { Placement } from '../placement/placement.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { graceAfter } from '../runtime/shutdown.ts'

/** A new assignment changed the streams of this replica; with 0 streams the replica is a standby. */
export interface AssignedEvent {
  readonly kind: 'assignment-changed'
  readonly streams: number
  readonly gained: readonly string[]
  readonly lost: readonly string[]
}

/** The streams assigned to this replica. */
export interface Assignment {
  /** Applies a new assignment, even one with the same streams. Returns the difference; undefined: there is none. */
  update(streams: ReadonlySet<string>): AssignedEvent | undefined
  isAssigned(stream: string): boolean
  /** The number of assignments so far. */
  generation(): number
  /** Waits until `condition` holds, checked now and after each assignment, or `stop` aborts. */
  until(condition: () => boolean, stop: AbortSignal): Promise<void>
}

export function createAssignment(): Assignment {
  let assigned: ReadonlySet<string> = new Set()
  let generation = 0
  const assignments = new EventEmitter().setMaxListeners(0)
  return {
    update: (streams) => {
      const gained = [...streams].filter((stream) => !assigned.has(stream))
      const lost = [...assigned].filter((stream) => !streams.has(stream))
      assigned = new Set(streams)
      generation += 1
      assignments.emit('new')
      const isSame = gained.length + lost.length === 0 && generation > 1
      return isSame ? undefined : { kind: 'assignment-changed', streams: streams.size, gained, lost }
    },
    isAssigned: (stream) => assigned.has(stream),
    generation: () => generation,
    until: async (condition, signal) => {
      while (!condition() && !signal.aborted) await once(assignments, 'new', { signal }).catch(() => {})
    },
  }
}

interface RunStreamsParts<Stream, End> {
  readonly placement: Placement
  /** All configured ones. */
  readonly streams: readonly Stream[]
  /** Runs a stream whenever it is assigned, until it ends or `stop` aborts. Never rejects. */
  readonly run: (stream: Stream, assignment: Assignment, stop: AbortSignal) => Promise<End>
  /** How long a stream may take to finish its page group after a stop. */
  readonly finishWithinMs: number
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
}

/** Runs the streams that placement assigns to this replica until all have ended, then leaves the group. */
export async function runStreams<Stream extends { readonly name: string }, End>(
  parts: RunStreamsParts<Stream, End>,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, End>> {
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
