import { EventEmitter, once } from 'node:events'
import type { Placement } from '../placement/placement.ts'
import { linkedAbort } from '../runtime/abort.ts'

/** The replica has a new assignment; with 0 streams it is a standby. */
export interface AssignmentEvent {
  readonly kind: 'assignment-changed'
  readonly streams: number
  readonly gained: readonly string[]
  readonly lost: readonly string[]
}

/** Knows which streams are assigned to this replica. */
export interface Assignment {
  /** Replaces the assignment by a new one, and returns the event that reports it. */
  update(streams: ReadonlySet<string>): AssignmentEvent
  isAssigned(stream: string): boolean
  /** Resolves at the next assignment, even one of the same streams, or when `stop` aborts. */
  untilNext(stop: AbortSignal): Promise<void>
  /** Resolves when the condition is true, which is checked now and after each assignment, or when `stop` aborts. */
  until(condition: () => boolean, stop: AbortSignal): Promise<void>
}

export function createAssignment(): Assignment {
  let assigned: ReadonlySet<string> = new Set()
  const assignments = new EventEmitter().setMaxListeners(0)
  const untilNext: Assignment['untilNext'] = async (stop) => {
    if (!stop.aborted) await once(assignments, 'new', { signal: stop }).catch(() => {})
  }
  return {
    update: (streams) => {
      const gained = [...streams].filter((stream) => !assigned.has(stream))
      const lost = [...assigned].filter((stream) => !streams.has(stream))
      assigned = new Set(streams)
      assignments.emit('new')
      return { kind: 'assignment-changed', streams: streams.size, gained, lost }
    },
    isAssigned: (stream) => assigned.has(stream),
    untilNext,
    until: async (condition, stop) => {
      while (!condition() && !stop.aborted) await untilNext(stop)
    },
  }
}

interface RunStreamsParts<Stream, End> {
  readonly placement: Placement
  /** These are all configured streams. */
  readonly streams: readonly Stream[]
  /** Runs a stream whenever it is assigned, until it ends or `stop` aborts. Never rejects. */
  readonly run: (stream: Stream, assignment: Assignment, stop: AbortSignal) => Promise<End>
  readonly observe: (event: AssignmentEvent) => void
}

/** Runs the streams that placement assigns to this replica until all have ended, then leaves the group. */
export async function runStreams<Stream extends { readonly name: string }, End>(
  parts: RunStreamsParts<Stream, End>,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, End>> {
  const { placement, run, observe } = parts
  const assignment = createAssignment()
  using stopping = linkedAbort(stop)
  const leave = new AbortController()
  const onChange = (assigned: ReadonlySet<string>) => {
    if (!stopping.signal.aborted) observe(assignment.update(assigned))
  }
  const placing = placement.run(onChange, leave.signal)
  placing.catch(stopping.abort)
  const ends = await Promise.all(
    parts.streams.map(async (stream) => [stream.name, await run(stream, assignment, stopping.signal)] as const),
  )
  // Invariant 6: the replica leaves the group only after its streams have finished, so that no stream is taken in the
  // middle of a page.
  leave.abort()
  await placing
  return new Map(ends)
}
