import { isTransient } from '../../runtime/connector-error.ts'
import { toLogFields } from '../error-fields.ts'
import type { ReplicaEvent } from '../replica-status.ts'
import { countFailure, debug, type EventRow, type EventRows, info, line, rowOf } from './event-row.ts'

/** One row for each kind of event of this replica: info if streams move, debug if none does. */
const replicaRows: EventRows<ReplicaEvent> = {
  'group-joined': { log: debug('joined the consumer group', 'kept', 'streams', 'tookMs') },
  'membership-lost': {
    log: (event) =>
      line(
        isTransient(event.error) ? 'warn' : 'error',
        'cannot join the consumer group, retrying: running streams continue, none are added',
        toLogFields(event.error),
      ),
    count: countFailure,
  },
  'membership-restored': { log: info('rejoined the consumer group', 'attempts', 'tookMs') },
  'group-left': { log: info('left the consumer group') },
  'assignment-changed': {
    log: ({ streams, gained, lost }) =>
      streams === 0
        ? line('info', 'standing by: no stream is assigned to this replica', { lost })
        : line('info', 'streams assigned', { streams, gained, lost }),
  },
}

export const rowOfReplicaEvent = (event: ReplicaEvent): EventRow<ReplicaEvent> => rowOf(replicaRows, event)
