import type { Observe, PipelineEvent } from '../../pipeline/pipeline-event.ts'
import type { LogLine } from '../logger.ts'
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

export const rowOfEvent = (event: PipelineEvent): EventRow<PipelineEvent> => rowOf(rows, event)

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
