import { isTransient } from '../../runtime/connector-error.ts'
import { toLogFields } from '../error-fields.ts'
import { failureOf } from '../failure.ts'
import { type GroupStatus, isOut, nothing, type ReplicaEvent } from '../replica-status.ts'
import { type EventRow, type EventRows, info, line, picked, rowOf } from './event-row.ts'
import { countFailure } from './stream-rows.ts'

/** One row for each kind of event of this replica: info if streams move, debug if none does. */
const groupRows: EventRows<ReplicaEvent, GroupStatus> = {
  'group-joined': {
    log: ({ slots, ...event }) =>
      line('debug', 'joined the consumer group', {
        slots: slots.length,
        ...picked(event, ['kept', 'streams', 'tookMs']),
      }),
    status: ({ slots }, before, at) => ({
      state: 'member',
      failure: undefined,
      slots,
      streams: isOut(before) ? assignedAt(before, at) : before.streams,
    }),
  },
  'membership-lost': {
    log: (event) =>
      line(
        isTransient(event.error) ? 'warn' : 'error',
        'cannot join the consumer group, retrying: running streams continue, none are added',
        toLogFields(event.error),
      ),
    isFailure: true,
    count: countFailure,
    status: ({ code, error }) => ({ state: 'rejoining', failure: failureOf(code, error) }),
  },
  'membership-restored': { log: info('rejoined the consumer group', 'attempts', 'tookMs') },
  'group-left': { log: info('left the consumer group'), status: () => ({ ...nothing, state: 'left' }) },
  'assignment-changed': {
    log: ({ streams, gained, lost }) =>
      streams === 0
        ? line('info', 'standing by: no stream is assigned to this replica', { lost })
        : line('info', 'streams assigned', { streams, gained, lost }),
    status: ({ gained, lost }, { streams }, at) => ({
      streams: new Map([
        ...[...streams].filter(([stream]) => !lost.includes(stream)),
        ...gained.map((stream) => [stream, at] as const),
      ]),
    }),
  },
  'streams-opening': { log: info('streams are opened one after the other', 'begun', 'waiting') },
}

export const rowOfReplicaEvent = (event: ReplicaEvent): EventRow<ReplicaEvent, GroupStatus> => rowOf(groupRows, event)

/** The status after `event`, which occurred at `at` (`Clock.monotonic`). */
export function groupStatus(before: GroupStatus, event: ReplicaEvent, at: number): GroupStatus {
  const after = { ...before, ...rowOfReplicaEvent(event).status?.(event, before, at) }
  return { ...after, stateSince: after.state === before.state ? before.stateSince : at }
}

/** After time outside the group, every assignment starts now: other replicas may have owned the streams in between. */
const assignedAt = ({ streams }: GroupStatus, at: number) => new Map([...streams.keys()].map((stream) => [stream, at]))
