import { lanes } from '../../connector/scan/scan-state.ts'
import { warningKinds } from '../../connector/telemetry/events/event-observers.ts'
import {
  counterList,
  exportedStates,
  histogramList,
  type MetricEntry,
  scrapedList,
} from '../../connector/telemetry/metrics.ts'

const kinds = { counter: counterList, histogram: histogramList, gauge: scrapedList }

/** The metrics reference in Markdown, without those of prom-client itself (`process_*`, `nodejs_*`). */
export function describeMetrics(): string {
  return [
    'Every series has the label `connector`. A time in a `_timestamp_seconds` metric is in seconds since 1970. Besides these, a',
    'replica exports `process_*` and `nodejs_*`.',
    '',
    '## Of each stream',
    '',
    'All have the label `stream`. Of the gauges, a replica that does not run the stream exports only `stream_state`.',
    '',
    ...list(({ labels }) => 'stream' in labels),
    '',
    '## Of a replica',
    '',
    ...list(({ labels }) => !('stream' in labels)),
    '',
    '## Values of labels',
    '',
    `- \`kind\` of a warning: ${quoted(warningKinds)}`,
    `- \`lane\`: ${quoted(lanes)}`,
    `- \`state\`: ${quoted(exportedStates)}; the [schema](outputs.schema.json) of \`/status\` says what they mean`,
    '- `code`: the [error codes](error-codes.md)',
    '',
  ].join('\n')
}

function list(isIn: (metric: MetricEntry) => boolean): readonly string[] {
  const lines = Object.entries(kinds).flatMap(([kind, entries]) =>
    Object.values<MetricEntry>(entries)
      .filter(isIn)
      .map(({ name, labels, help }) => `- \`${name}\` (${[kind, ...shown(labels)].join(' by ')}): ${help}`),
  )
  return lines.toSorted()
}

const quoted = (values: readonly string[]) => values.map((value) => `\`${value}\``).join(', ')

/** The labels but for `stream`, in words. */
function shown(labels: MetricEntry['labels']): readonly string[] {
  const names = Object.keys(labels).filter((label) => label !== 'stream')
  return names.length === 0 ? [] : [names.join(', ')]
}
