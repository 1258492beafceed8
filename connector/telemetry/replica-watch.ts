import type { Observe } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import {
  beforeJoining,
  type GroupReport,
  type GroupStatus,
  groupReport,
  groupStatus,
  isOut,
  movedAway,
  type ReplicaEvent,
} from './group-status.ts'
import { type Health, health, type ReplicaState, type WatchedStream } from './health.ts'
import { isActive, streamStatus, unobserved } from './stream-status.ts'

export interface ReplicaWatchParts {
  readonly clock: Clock
  /** How long a stream may go without progress, and the replica be out of the group, before it is not ready; at least three poll intervals. */
  readonly readyAfterMs: number
  /** Whether there is a group of replicas. */
  readonly placement: 'group' | 'single'
}

export type ReplicaHealth = Health & { readonly placement: GroupReport }

/** Where this replica and its streams are, as they told. */
export interface ReplicaWatch {
  /** What follows the events of one stream; `waiting` until the first. */
  follow(stream: string, pollIntervalMs: number): Observe
  take(event: ReplicaEvent): void
  /** Says whether that is news. */
  becomes(state: ReplicaState): boolean
  state(): ReplicaState
  streams(): readonly WatchedStream[]
  group(): GroupStatus
  health(): ReplicaHealth
}

export function replicaWatch({ clock, readyAfterMs, placement }: ReplicaWatchParts): ReplicaWatch {
  const watched = new Map<string, WatchedStream>()
  let replicaState: ReplicaState = 'starting'
  let group = beforeJoining(placement, clock.monotonic())
  const streams = () => [...watched.values()]
  const isHere = (stream: string) => isActive(watched.get(stream)?.status ?? unobserved)
  return {
    follow: (stream, pollIntervalMs) => {
      watched.set(stream, { stream, pollIntervalMs, status: { ...unobserved, begunAt: clock.monotonic() } })
      return (event) => {
        const before = watched.get(stream)?.status ?? unobserved
        watched.set(stream, { stream, pollIntervalMs, status: streamStatus(before, event, clock.monotonic()) })
      }
    },
    take: (event) => {
      group = groupStatus(group, event, clock.monotonic())
      for (const stream of movedAway(event, isHere)) {
        const found = watched.get(stream)
        if (found !== undefined) watched.set(stream, { ...found, status: { ...found.status, ...noLongerHere } })
      }
    },
    becomes: (state) => {
      const isNews = state !== replicaState
      replicaState = state
      return isNews
    },
    state: () => replicaState,
    streams,
    group: () => group,
    health: () => {
      const now = clock.monotonic()
      const found = health({ replicaState, streams: streams(), readyAfterMs }, now)
      // A standby that is out of the group for long stands by for nothing.
      const ready = found.ready && !(isOut(group) && now - group.stateSince > readyAfterMs)
      return { ...found, ready, placement: groupReport(group, streams(), now) }
    },
  }
}

const noLongerHere = { state: 'waiting', trouble: undefined } as const
