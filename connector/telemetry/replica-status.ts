import type { PlacementEvent } from '../placement/placement.ts'
import type { AssignedEvent } from '../stream/assignment.ts'
import { type ExplainedFailure, explained, type Failure } from './failure.ts'
import { secondsSince, type WatchedStream } from './health.ts'

/** Events about the consumer group of the replicas and the streams that it assigns. */
export type ReplicaEvent = PlacementEvent | AssignedEvent

/**
 * `single`: no group. `rejoining`: the membership was lost and is being restored.
 */
type GroupState = 'single' | 'joining' | 'member' | 'rejoining' | 'left'

/** What this replica knows of the group. Times are of `Clock.monotonic`. */
export interface GroupStatus {
  readonly state: GroupState
  readonly stateSince: number
  /** Why the membership was lost, until the replica has rejoined. */
  readonly failure: Failure | undefined
  readonly slots: readonly number[]
  /** The streams assigned to this replica and the start of each assignment; time outside the group does not count. */
  readonly streams: ReadonlyMap<string, number>
}

export const nothing = { slots: [], streams: new Map() }

/** Whether this replica was in the group and no longer is, as far as it knows. */
export const isOut = ({ state }: GroupStatus): boolean => state === 'rejoining'

export function beforeJoining(mode: 'group' | 'single', at: number): GroupStatus {
  const state = mode === 'single' ? 'single' : 'joining'
  return { ...nothing, state, stateSince: at, failure: undefined }
}

/** Which streams this replica runs. */
export interface GroupReport extends Partial<ExplainedFailure> {
  readonly state: GroupState
  readonly secondsInState: number
  readonly slots: readonly number[]
  readonly streams: readonly { readonly stream: string; readonly assignedSeconds: number; readonly epoch?: number }[]
}

interface ReportParts {
  readonly watched: readonly WatchedStream[]
  readonly now: number
}

export function groupReport(group: GroupStatus, { watched, now }: ReportParts): GroupReport {
  const { state, stateSince, failure, slots, streams } = group
  const here = watched.flatMap(({ stream, status: { epoch } }) => {
    const since = streams.get(stream)
    const claimed = epoch === undefined ? {} : { epoch }
    return since === undefined ? [] : [{ stream, assignedSeconds: secondsSince(since, now), ...claimed }]
  })
  return {
    state,
    secondsInState: secondsSince(stateSince, now),
    ...(failure === undefined ? {} : explained(failure)),
    slots,
    streams: here,
  }
}
