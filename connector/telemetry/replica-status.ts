import type { Observe } from '../pipeline/pipeline-event.ts'
import type { PlacementEvent } from '../placement/placement.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AssignedEvent } from '../stream/run-streams.ts'
import { type Failure, toLogFields } from './error-fields.ts'
import {
  type Polling,
  secondsSince,
  statusAfter,
  statusAtStart,
  streamReport,
  type WatchedStream,
  whyStreamNotReady,
} from './stream-status.ts'

/** Events about the consumer group of the replicas and the streams that it assigns. */
export type ReplicaEvent = PlacementEvent | AssignedEvent

/** `starting` until the first assignment, even an empty one; `stopping` from the first signal. */
export type ReplicaState = 'starting' | 'running' | 'stopping'

/** What this replica knows of the group. `single`: there is none. `rejoining`: the membership was lost. */
interface GroupStatus {
  readonly state: 'single' | 'joining' | 'member' | 'rejoining' | 'left'
  /** Of `Clock.monotonic`. */
  readonly since: number
  /** Why the membership was lost, until the replica has rejoined. */
  readonly failure: Failure | undefined
}

export interface ReplicaStatusParts {
  readonly clock: Clock
  /** Maximum time without progress or out of the group while ready; for a stream at least three poll intervals. */
  readonly readyAfterMs: number
  /** Whether a consumer group assigns the streams. */
  readonly placement: 'group' | 'single'
}

export type ReplicaStatus = ReturnType<typeof replicaStatus>

/** The state of this replica and its streams, from their events: all that endpoints and metrics show. */
export function replicaStatus({ clock, readyAfterMs, placement }: ReplicaStatusParts) {
  const watched = new Map<string, WatchedStream>()
  let state: ReplicaState = 'starting'
  let group: GroupStatus = {
    state: placement === 'single' ? 'single' : 'joining',
    since: clock.monotonic(),
    failure: undefined,
  }
  /** Why the replica itself is not ready. One that is out of the group cannot take over a stream. */
  const whyNotReady = () => {
    if (state !== 'running') return state
    const isOut = group.state === 'rejoining' && clock.monotonic() - group.since > readyAfterMs
    return isOut ? 'out of the consumer group' : undefined
  }
  /**
   * The replica runs, is not out of the group for long, and each of its streams was opened, made progress recently and is
   * not held. A stream that does not run here or is paused does not affect readiness.
   */
  const isReady = () =>
    whyNotReady() === undefined &&
    [...watched.values()].every((one) => whyStreamNotReady(one, clock.monotonic()) === undefined)
  return {
    /** Returns the observer of one stream; its state is `waiting` until the first event. */
    follow: (stream: string, polling: Polling): Observe => {
      const patienceMs = Math.max(3 * polling.intervalMs, readyAfterMs)
      watched.set(stream, { stream, polling, patienceMs, status: statusAtStart(clock.monotonic()) })
      return (event) => {
        const { status } = watched.get(stream) as WatchedStream // it was set above
        watched.set(stream, { stream, polling, patienceMs, status: statusAfter(status, event, clock.monotonic()) })
      }
    },
    observe: (event: ReplicaEvent) => {
      const after = { ...group, ...groupChange(event) }
      group = after.state === group.state ? after : { ...after, since: clock.monotonic() }
    },
    /** Returns whether the state changed. */
    setState: (next: ReplicaState) => {
      const hasChanged = next !== state
      state = next
      return hasChanged
    },
    state: () => state,
    streams: () => [...watched.values()],
    isReady,
    report: () => ({
      ready: isReady(),
      state,
      why: whyNotReady(),
      group: { state: group.state, secondsInState: secondsSince(group.since, clock.monotonic()), ...group.failure },
      streams: [...watched.values()].map((one) =>
        streamReport(one, clock, group.failure === undefined ? 'kept' : 'lost'),
      ),
    }),
  }
}

function groupChange(event: ReplicaEvent): Partial<GroupStatus> {
  switch (event.kind) {
    case 'group-joined':
      return { state: 'member', failure: undefined }
    case 'membership-lost':
      return { state: 'rejoining', failure: toLogFields(event.error) }
    case 'group-left':
      return { state: 'left', failure: undefined }
    default:
      return {}
  }
}
