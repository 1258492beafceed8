import type { Observe, PipelineEvent } from '../../pipeline/pipeline-event.ts'
import type { Clock } from '../../runtime/clock.ts'
import { isTransient } from '../../runtime/connector-error.ts'
import { toLogFields } from '../error-fields.ts'
import type { Log, LogLine } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import type { ReplicaEvent } from '../replica-status.ts'
import { countFailure, debug, type EventRow, type EventRows, info, logLine, rowOf } from './event-row.ts'
import { rows } from './pipeline-rows.ts'

export const warningKinds = Object.entries<{ readonly isWarning?: true }>(rows).flatMap(([kind, { isWarning }]) =>
  isWarning ? [kind] : [],
)

const rowOfEvent = (event: PipelineEvent): EventRow<PipelineEvent> => rowOf(rows, event)

/**
 * Returns the log line of an event; undefined if only metrics report it. Pages and page groups are logged at trace
 * only.
 */
export function logLineOf(stream: string, event: PipelineEvent): LogLine | undefined {
  const line = rowOfEvent(event).log?.(event)
  return line && { ...line, fields: { stream, ...line.fields } }
}

/** Counts the events of one stream. */
export function metricsObserver(metrics: Metrics): Observe {
  return (event) => {
    const { count, isWarning } = rowOfEvent(event)
    count?.(event, metrics)
    if (isWarning) metrics.count('warnings', 1, { kind: event.kind })
  }
}

const repeatAfterMs = 60 * 60 * 1000

/** Writes the log lines of one stream. */
export function logObserver(stream: string, { log, clock }: { log: Log; clock: Pick<Clock, 'monotonic'> }): Observe {
  const loggedAt = new Map<string, number>()
  const isRepeated = (event: PipelineEvent) => {
    const { logged } = rowOfEvent(event)
    if (logged === undefined) return false
    const key = conditionKey(event)
    const now = clock.monotonic()
    const at = loggedAt.get(key)
    if (at !== undefined && now - at < repeatAfterMs) return true
    loggedAt.set(key, now)
    return false
  }
  return (event) => {
    const line = logLineOf(stream, event)
    if (line !== undefined && !isRepeated(event)) log(line.level, line.message, line.fields)
  }
}

/** Identifies a condition; numbers and errors do not distinguish conditions. */
function conditionKey(event: PipelineEvent) {
  return Object.values(event)
    .filter((value) => typeof value === 'string' || Array.isArray(value))
    .join('\n')
}

/** One row for each kind of event of this replica: info if streams move, debug if none does. */
const replicaRows: EventRows<ReplicaEvent> = {
  'group-joined': { log: debug('joined the consumer group', 'streams', 'tookMs') },
  'membership-lost': {
    log: (event) =>
      logLine(
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
        ? logLine('info', 'standing by: no stream is assigned to this replica', { lost })
        : logLine(gained.length + lost.length === 0 ? 'debug' : 'info', 'streams assigned', { streams, gained, lost }),
  },
}

export const rowOfReplicaEvent = (event: ReplicaEvent): EventRow<ReplicaEvent> => rowOf(replicaRows, event)
