import type { AssignedEvent } from '../pipeline/assigned-event.ts'
import type { PlacementEvent } from '../placement/placement-event.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { type ByKind, byKind } from './by-kind.ts'
import { secondsSince, type WatchedStream } from './health.ts'

/** What is told of the replicas: how the group does, and which streams it moves. */
export type ReplicaEvent = PlacementEvent | AssignedEvent

/** `single`: there is no group. `silent`: others may have the streams by now. `broken`: the membership is being built anew. */
export const groupStates = ['single', 'joining', 'member', 'silent', 'broken', 'left'] as const
type GroupState = (typeof groupStates)[number]

/** What this replica knows of the group. Moments are those of `Clock.monotonic`. */
export interface GroupStatus {
  readonly state: GroupState
  readonly stateSince: number
  /** Why it broke, until it has joined again. */
  readonly trouble: ErrorCode | undefined
  readonly slots: readonly number[]
  /** Since when each stream that is assigned here is. */
  readonly streams: ReadonlyMap<string, number>
}

export function beforeJoining(mode: 'group' | 'single', at: number): GroupStatus {
  const state = mode === 'single' ? 'single' : 'joining'
  return { state, stateSince: at, trouble: undefined, slots: [], streams: new Map() }
}

/** The status after `event`, which happened at `at`. */
export function groupStatus(before: GroupStatus, event: ReplicaEvent, at: number): GroupStatus {
  const after = { ...before, ...byKind(changes, event)(before, at) }
  return { ...after, stateSince: after.state === before.state ? before.stateSince : at }
}

type Change = (before: GroupStatus, at: number) => Partial<GroupStatus>
const to = (change: Partial<GroupStatus>) => (): Partial<GroupStatus> => change
const none: Change = () => ({})

const changes: ByKind<Change, ReplicaEvent> = {
  'group-joined': ({ slots }) => to({ state: 'member', trouble: undefined, slots }),
  'session-expired': () => to({ state: 'silent' }),
  'group-broken': ({ code }) => to({ state: 'broken', trouble: code }),
  'group-rebuilt': () => none,
  'group-left': () => to({ state: 'left', slots: [], streams: new Map() }),
  'assignment-changed':
    ({ gained, lost }) =>
    ({ streams }, at) => ({
      streams: new Map([
        ...[...streams].filter(([stream]) => !lost.includes(stream)),
        ...gained.map((stream) => [stream, at] as const),
      ]),
    }),
  'stream-let-go': () => none,
  'stream-contested': () => none,
}

/** The streams that `event` makes the business of other replicas, as far as they still seem to be here. */
export function movedAway(event: ReplicaEvent, isActive: (stream: string) => boolean): readonly string[] {
  if (event.kind === 'stream-let-go') return [event.stream]
  return event.kind === 'assignment-changed' ? event.lost.filter((stream) => !isActive(stream)) : []
}

/** Who runs what, as far as this replica knows: what is its own; `elsewhere` is all that it can say of the rest. */
export interface GroupReport {
  readonly state: GroupState
  readonly secondsInState: number
  readonly code?: ErrorCode
  readonly hint?: string
  readonly slots: readonly number[]
  readonly streams: readonly { readonly stream: string; readonly assignedSeconds: number; readonly epoch?: number }[]
  readonly elsewhere: readonly string[]
}

export function groupReport(group: GroupStatus, watched: readonly WatchedStream[], now: number): GroupReport {
  const { state, stateSince, trouble, slots, streams } = group
  const here = watched.flatMap(({ stream, status: { epoch } }) => {
    const since = streams.get(stream)
    const claimed = epoch === undefined ? {} : { epoch }
    return since === undefined ? [] : [{ stream, assignedSeconds: secondsSince(since, now), ...claimed }]
  })
  return {
    state,
    secondsInState: secondsSince(stateSince, now),
    ...(trouble === undefined ? {} : { code: trouble, hint: errorCatalogue[trouble].hint }),
    slots,
    streams: here,
    elsewhere: watched.map(({ stream }) => stream).filter((stream) => !streams.has(stream)),
  }
}
