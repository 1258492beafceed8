import type { Observe, PipelineEvent } from '../../pipeline/pipeline-event.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Log, LogLine } from '../logger.ts'
import type { Metrics } from '../metrics/prom-metrics.ts'
import { type EventRow, type EventRows, rowOf } from './event-row.ts'
import { pageRows } from './page-rows.ts'
import { scanRows } from './scan-rows.ts'
import { streamRows } from './stream-rows.ts'

/** One row for each kind of event of a stream. */
const rows: EventRows<PipelineEvent> = {
  ...streamRows,
  ...pageRows,
  ...scanRows,
}

export const warningKinds = Object.entries<{ readonly isWarning?: true }>(rows).flatMap(([kind, { isWarning }]) =>
  isWarning ? [kind] : [],
)

const rowOfEvent = (event: PipelineEvent): EventRow<PipelineEvent> => rowOf(rows, event)

/** The log line of an event; undefined if only metrics report it. Pages and page groups are logged at trace only. */
export function logLine(stream: string, event: PipelineEvent): LogLine | undefined {
  const line = rowOfEvent(event).log(event)
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

interface StreamLogParts {
  readonly log: Log
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Writes the log lines of one stream. */
export function logObserver(stream: string, { log, clock }: StreamLogParts): Observe {
  const loggedAt = new Map<string, number>()
  const isRepeated = (event: PipelineEvent) => {
    const { logged } = rowOfEvent(event)
    if (logged === undefined) return false
    const [key, now] = [conditionKey(event), clock.monotonic()]
    const at = loggedAt.get(key)
    if (at !== undefined && now - at < repeatAfterMs) return true
    loggedAt.set(key, now)
    return false
  }
  return (event) => {
    const line = logLine(stream, event)
    if (line !== undefined && !isRepeated(event)) log(line.level, line.message, line.fields)
  }
}

/** Identifies a condition; numbers and errors do not distinguish conditions. */
function conditionKey(event: PipelineEvent): string {
  return Object.values(event)
    .filter((value) => typeof value === 'string' || Array.isArray(value))
    .join('\n')
}
