import {
  counterList,
  gaugeList,
  histogramList,
  type MetricEntry,
} from '../../connector/telemetry/metrics/metric-list.ts'
import { scrapedList } from '../../connector/telemetry/metrics/scraped-metrics.ts'

const kinds = { counter: counterList, histogram: histogramList, gauge: { ...gaugeList, ...scrapedList } }

/** Limit of the series of one running stream with a validated server certificate; a test counts them. */
export const MOST_STREAM_SERIES = 67

/** The metrics reference in Markdown, without the metrics of the process (`process_*`, `nodejs_eventloop_lag_*`) of prom-client. */
export function describeMetrics(): string {
  return [
    'Counters with fixed labels exist from the start with value 0. A time in a `_timestamp_seconds` metric is in seconds',
    'since 1970, so `time() - max by (stream) (…)` is its age.',
    '',
    `**Number of series.** A running stream has at most ${MOST_STREAM_SERIES}, and one more for each further certificate`,
    '(`ca`, `client`). On a replica that does not run it, fewer.',
    'Each replica adds about 80 of its own, and about 20 of its process (`process_*`, `nodejs_eventloop_lag_*`).',
    '',
    '## Of each stream',
    '',
    'All have the label `stream`. `gauge*`: absent if the stream does not run on this replica.',
    '',
    ...list(({ labels }) => 'stream' in labels),
    '',
    '## Of a replica',
    '',
    ...list(({ labels }) => !('stream' in labels)),
    '',
  ].join('\n')
}

function list(isIn: (metric: MetricEntry) => boolean): readonly string[] {
  const lines = Object.entries(kinds).flatMap(([kind, list]) =>
    Object.values<MetricEntry>(list)
      .filter(isIn)
      .map(({ name, labels, help }) => {
        const always = help.replace(ONLY_HERE, '')
        const marked = always === help ? kind : `${kind}*`
        return `- \`${name}\` (${[marked, ...shown(labels)].join(' by ')}): ${always}`
      }),
  )
  return lines.toSorted()
}

/** What the page says once. */
export const ONLY_HERE = /(?:; absent if|,? or(?: if)?) the stream does not run here$/

/** The labels but for `stream`, in words. */
function shown(labels: MetricEntry['labels']): readonly string[] {
  const names = Object.keys(labels).filter((label) => label !== 'stream')
  return names.length === 0 ? [] : [names.join(', ')]
}
