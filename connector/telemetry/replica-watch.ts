import type { Observe } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { streamStatus } from './events/pipeline-events.ts'
import { groupStatus } from './events/replica-events.ts'
import { type Health, health, type ReplicaState, type WatchedStream } from './health.ts'
import {
  beforeJoining,
  type GroupReport,
  type GroupStatus,
  groupReport,
  isOut,
  type ReplicaEvent,
} from './replica-status.ts'
import { type ScanReport, scanReports, type WatchedPolling } from './scan-status.ts'
import { unobserved } from './stream-status.ts'

export interface ReplicaWatchParts {
  readonly clock: Clock
  /** Maximum time without progress or out of the group while ready; for a stream at least three poll intervals. */
  readonly readyAfterMs: number
  /** Whether a consumer group assigns the streams. */
  readonly placement: 'group' | 'single'
}

export type ReplicaHealth = Health & { readonly placement: GroupReport }

/** Tracks the state of this replica and its streams from their events. */
export interface ReplicaWatch {
  /** Returns the observer of one stream; its state is `waiting` until the first event. */
  follow(stream: string, poll: WatchedPolling): Observe
  observe(event: ReplicaEvent): void
  /** Returns whether the state changed. */
  setState(state: ReplicaState): boolean
  state(): ReplicaState
  streams(): readonly WatchedStream[]
  /** The background scans of a stream that are in progress. */
  scans(stream: string): readonly ScanReport[]
  group(): GroupStatus
  health(): ReplicaHealth
}

export function replicaWatch({ clock, readyAfterMs, placement }: ReplicaWatchParts): ReplicaWatch {
  const watched = new Map<string, WatchedStream>()
  let replicaState: ReplicaState = 'starting'
  let group = beforeJoining(placement, clock.monotonic())
  const streams = () => [...watched.values()]
  return {
    follow: (stream, poll) => {
      watched.set(stream, { stream, poll, status: { ...unobserved, startedAt: clock.monotonic() } })
      return (event) => {
        const before = watched.get(stream)?.status ?? unobserved
        watched.set(stream, { stream, poll, status: streamStatus(before, event, clock.monotonic()) })
      }
    },
    observe: (event) => {
      group = groupStatus(group, event, clock.monotonic())
    },
    setState: (state) => {
      const hasChanged = state !== replicaState
      replicaState = state
      return hasChanged
    },
    state: () => replicaState,
    streams,
    scans: (stream) => {
      const found = watched.get(stream)
      return found?.status.scans === undefined ? [] : scanReports(found.status.scans, found.poll, clock)
    },
    group: () => group,
    health: () => {
      const now = clock.monotonic()
      const out = { isOutForMs: isOut(group) ? now - group.stateSince : undefined, failure: group.failure }
      const found = health({ replicaState, streams: streams(), readyAfterMs, group: out }, now)
      return { ...found, placement: groupReport(group, { watched: streams(), now }) }
    },
  }
}
