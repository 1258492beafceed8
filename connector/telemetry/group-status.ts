import type { AssignedEvent } from '../pipeline/assigned-event.ts'
import type { GroupMemberView } from '../placement/group-view.ts'
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
  /** Since when each stream that is assigned here is, without a time in which this replica was out of the group. */
  readonly streams: ReadonlyMap<string, number>
  /** The replicas in the group when it was shared out last, by the group's own word. */
  readonly members: readonly GroupMemberView[]
  /** Whose each stream is by that word, and since when this replica has seen it so. */
  readonly owners: ReadonlyMap<string, Owner>
}

interface Owner {
  readonly replica: string
  readonly since: number
}

const nothing = { slots: [], streams: new Map(), members: [], owners: new Map() }

/** Whether it was in the group and is not, as far as it knows. */
export const isOut = ({ state }: GroupStatus): boolean => state === 'silent' || state === 'broken'

export function beforeJoining(mode: 'group' | 'single', at: number): GroupStatus {
  const state = mode === 'single' ? 'single' : 'joining'
  return { ...nothing, state, stateSince: at, trouble: undefined }
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
  'group-joined':
    ({ slots }) =>
    (before, at) => ({
      state: 'member',
      trouble: undefined,
      slots,
      streams: isOut(before) ? anew(before, at) : before.streams,
    }),
  'group-seen':
    ({ members }) =>
    ({ owners }, at) => ({ members, owners: ownersAfter(owners, members, at) }),
  'session-expired': () => to({ state: 'silent' }),
  'group-broken': ({ code }) => to({ state: 'broken', trouble: code }),
  'group-rebuilt': () => none,
  'group-left': () => to({ ...nothing, state: 'left' }),
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

/** Whoever was out of the group has its streams from now on: others may have had them meanwhile. */
const anew = ({ streams }: GroupStatus, at: number) => new Map([...streams.keys()].map((stream) => [stream, at]))

/** Who kept a stream has it since before. */
function ownersAfter(
  before: ReadonlyMap<string, Owner>,
  members: readonly GroupMemberView[],
  at: number,
): ReadonlyMap<string, Owner> {
  const now = members.flatMap(({ replica, streams }) => streams.map((stream) => ({ stream, replica })))
  return new Map(
    now.map(({ stream, replica }) => {
      const known = before.get(stream)
      return [stream, known?.replica === replica ? known : { replica, since: at }]
    }),
  )
}

/** The streams that `event` makes the business of other replicas, as far as they still seem to be here. */
export function movedAway(event: ReplicaEvent, isActive: (stream: string) => boolean): readonly string[] {
  if (event.kind === 'stream-let-go') return [event.stream]
  return event.kind === 'assignment-changed' ? event.lost.filter((stream) => !isActive(stream)) : []
}

/** Who runs what, as far as this replica knows: what is its own, and what the group said of the others when it was shared out last. */
export interface GroupReport {
  readonly state: GroupState
  readonly secondsInState: number
  readonly code?: ErrorCode
  readonly hint?: string
  readonly slots: readonly number[]
  readonly streams: readonly { readonly stream: string; readonly assignedSeconds: number; readonly epoch?: number }[]
  /** The streams that are not assigned here. `replica` null: nobody's, or the group has not said yet. */
  readonly elsewhere: readonly {
    readonly stream: string
    readonly replica: string | null
    readonly seenSeconds?: number
  }[]
  /** All replicas in the group, this one included. */
  readonly replicas: readonly Omit<GroupMemberView, 'slots'>[]
}

export function groupReport(group: GroupStatus, watched: readonly WatchedStream[], now: number): GroupReport {
  const { state, stateSince, trouble, slots, streams, members } = group
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
    elsewhere: watched
      .filter(({ stream }) => !streams.has(stream))
      .map(({ stream }) => ownerReport(group, stream, now)),
    replicas: members.map(({ replica, host, streams }) => ({ replica, host, streams })),
  }
}

function ownerReport({ owners }: GroupStatus, stream: string, now: number): GroupReport['elsewhere'][number] {
  const owner = owners.get(stream)
  if (owner === undefined) return { stream, replica: null }
  return { stream, replica: owner.replica, seenSeconds: secondsSince(owner.since, now) }
}
