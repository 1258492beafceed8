import type { Observe } from '../pipeline/pipeline-event.ts'
import type { PlacementEvent } from '../placement/placement.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AssignmentEvent } from '../stream/run-streams.ts'
import { type Failure, toLogFields } from './error-fields.ts'
import {
  type Polling,
  type StreamReport,
  secondsSince,
  statusAfter,
  statusAtStart,
  streamReport,
  type WatchedStream,
  whyStreamNotReady,
} from './stream-status.ts'

/** Events about the consumer group of the replicas and the streams that it assigns. */
export type ReplicaEvent = PlacementEvent | AssignmentEvent

/** `starting` until the first assignment, even an empty one; `stopping` from the first signal. */
export type ReplicaState = 'starting' | 'running' | 'stopping'

/** What this replica knows of the group. `single`: there is none. `rejoining`: the membership was lost. */
interface GroupStatus {
  readonly state: 'single' | 'joining' | 'member' | 'rejoining' | 'left'
  /** The state began at this time of `Clock.monotonic`. */
  readonly since: number
  /** The membership was lost for this reason, until the replica has rejoined. */
  readonly failure: Failure | undefined
}

export interface ReplicaStatusParts {
  readonly clock: Clock
  /**
   * The replica stays ready for this time without progress or out of the group; for a stream, it is at least three poll
   * intervals.
   */
  readonly readyAfterMs: number
  /** Whether a consumer group assigns the streams. */
  readonly placement: 'group' | 'single'
}

/** The state of this replica and its streams, from their events: all that endpoints and metrics show. */
export interface ReplicaStatus {
  /** Returns the observer of one stream; its state is `waiting` until the first event. */
  follow(stream: string, polling: Polling): Observe
  observe(event: ReplicaEvent): void
  /** Returns whether the state changed. */
  setState(next: ReplicaState): boolean
  state(): ReplicaState
  streams(): readonly WatchedStream[]
  /**
   * Whether the replica runs, is not out of the group for long, and each of its streams was opened, made progress
   * recently and is not held. A stream that does not run here or is paused does not affect readiness.
   */
  isReady(): boolean
  report(): ReplicaReport
}

/** What `/status` and `/readyz` show of the replica and of its streams. */
export interface ReplicaReport {
  readonly ready: boolean
  readonly state: ReplicaState
  /** The replica itself is not ready for this reason. */
  readonly why: string | undefined
  readonly group: Partial<Failure> & Pick<GroupStatus, 'state'> & Pick<StreamReport, 'secondsInState'>
  readonly streams: readonly StreamReport[]
}

export function replicaStatus({ clock, readyAfterMs, placement }: ReplicaStatusParts): ReplicaStatus {
  const watched = new Map<string, WatchedStream>()
  let state: ReplicaState = 'starting'
  let group: GroupStatus = {
    state: placement === 'single' ? 'single' : 'joining',
    since: clock.monotonic(),
    failure: undefined,
  }
  /** Returns why the replica itself is not ready. One that is out of the group cannot take over a stream. */
  const whyNotReady = () => {
    if (state !== 'running') return state
    const isOut = group.state === 'rejoining' && clock.monotonic() - group.since > readyAfterMs
    return isOut ? 'out of the consumer group' : undefined
  }
  const isReady = () =>
    whyNotReady() === undefined &&
    [...watched.values()].every((one) => whyStreamNotReady(one, clock.monotonic()) === undefined)
  return {
    follow: (stream, polling) => {
      const patienceMs = Math.max(3 * polling.intervalMs, readyAfterMs)
      watched.set(stream, { stream, polling, patienceMs, status: statusAtStart(clock.monotonic()) })
      return (event) => {
        const { status } = watched.get(stream) as WatchedStream // it was set above
        watched.set(stream, { stream, polling, patienceMs, status: statusAfter(status, event, clock.monotonic()) })
      }
    },
    observe: (event) => {
      const after = { ...group, ...groupChange(event) }
      group = after.state === group.state ? after : { ...after, since: clock.monotonic() }
    },
    setState: (next) => {
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
