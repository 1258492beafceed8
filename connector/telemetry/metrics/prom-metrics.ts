import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { errorCatalogue } from '../../runtime/error-catalogue.ts'
import { lanes } from '../../scan/scan-state.ts'

type Labelled = Readonly<Record<string, string>>

/** Metrics that events update. Those of a stream get its label. */
export interface Metrics {
  count(name: keyof typeof counterList, by?: number, labels?: Labelled): void
  /** Adds a time to a histogram; a negative one counts as 0. */
  measure(name: keyof typeof histogramList, ms: number): void
}

/** Registers all metrics; those of the replica exist from now on. */
export function promMetrics(registry: Registry) {
  const options = ({ name, help, labels }: MetricEntry) => {
    return { name, help, labelNames: Object.keys(labels), registers: [registry] }
  }
  const counters = mapValues(counterList, (metric) => new Counter(options(metric)))
  const histograms = mapValues(
    histogramList,
    ({ buckets, ...metric }) => new Histogram({ ...options(metric), buckets }),
  )
  const zero = (own: Labelled) => {
    for (const [name, { labels }] of Object.entries<MetricEntry>(counterList))
      if ('stream' in labels === 'stream' in own)
        for (const one of fixedLabels(labels)) counters[name as keyof typeof counterList].inc({ ...own, ...one }, 0)
  }
  const metrics = (own: Labelled): Metrics => ({
    count: (name, by = 1, labels = {}) =>
      counters[name].inc('stream' in counterList[name].labels ? { ...own, ...labels } : labels, by),
    measure: (name, ms) => histograms[name].observe(own, Math.max(0, ms) / 1000),
  })
  zero({})
  return {
    ofReplica: metrics({}),
    /** Exports the counters and histograms of the stream before its first event: `rate()` needs a zero. */
    ofStream: (stream: string): Metrics => {
      zero({ stream })
      for (const one of Object.values(histograms)) one.zero({ stream })
      return metrics({ stream })
    },
  }
}

/** Each value of the label besides `stream`, if they are fixed; a metric without one has a single series. */
function fixedLabels({ stream: _, ...labels }: MetricEntry['labels']): readonly Labelled[] {
  const [label] = Object.entries(labels)
  if (label === undefined) return [{}]
  const [name, values] = label
  return values === 'any' ? [] : values.map((value) => ({ [name]: value }))
}

function mapValues<Name extends string, In, Out>(list: Readonly<Record<Name, In>>, make: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(list).map(([name, value]) => [name, make(value)])) as Record<Name, Out>
}

/** A registry whose series have the label `connector`, with the metrics of the process. */
export function processRegistry(connector: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ connector })
  collectDefaultMetrics({ register: registry })
  return registry
}

/** One metric of the connector. Each also has the label `connector`. */
export interface MetricEntry {
  readonly name: string
  readonly help: string
  /** Each label with its values if they are fixed, otherwise `any`. A counter exists from the start for fixed values. */
  readonly labels: Readonly<Record<string, readonly string[] | 'any'>>
}

const metric = (name: string, help: string, labels: MetricEntry['labels'] = {}): MetricEntry => ({
  name: `polaris_connector_${name}`,
  help,
  labels,
})
/** A metric of each stream. */
export const ofStream = (name: string, help: string, more: MetricEntry['labels'] = {}) =>
  metric(name, help, { stream: 'any', ...more })
/** A metric of the whole replica: what all streams share, or what would be too many series for each stream. */
export const ofReplica = metric

export const counterList = {
  pages: ofStream('pages_total', 'Pages read from Polaris, by lane', { lane: lanes }),
  clients: ofStream('clients_total', 'Clients read from Polaris'),
  events: ofStream('events_total', 'Events published, by lane', { lane: lanes }),
  deadLetters: ofStream(
    'dead_letters_total',
    'Clients that could not become an event and were published to the dead-letter topic',
  ),
  suppressed: ofStream('suppressed_total', 'Clients read again with unchanged content and not published'),
  superseded: ofStream(
    'superseded_total',
    'Clients not published because a scan that began later had published them, by lane',
    { lane: lanes },
  ),
  replacedCharacters: ofStream(
    'replaced_characters_total',
    'Characters read from Polaris as U+FFFD because XML forbids them, such as &#x0;',
  ),
  takeOvers: ofStream('take_overs_total', 'Claims of the stream that took it over from another replica'),
  contested: ofStream('contested_total', 'Times another process took the stream again within five minutes'),
  failures: ofReplica(
    'failures_total',
    'Reads retried, streams reopened or held, and group memberships lost, by error code; stream_failure shows which stream fails now',
    { code: Object.keys(errorCatalogue) },
  ),
  warnings: ofReplica('warnings_total', 'Warnings of all streams, by kind; the log shows the stream', { kind: 'any' }),
  responses: ofReplica('responses_total', 'HTTP responses of Polaris, by status; logins and redirects included', {
    status: 'any',
  }),
} as const satisfies Record<string, MetricEntry>

/** Few buckets: each costs one series a stream. */
export const histogramList = {
  read: {
    ...ofStream('read_duration_seconds', 'Time from sending a request to its complete response'),
    buckets: [0.1, 0.5, 2.5, 10],
  },
  publish: {
    ...ofStream(
      'publish_duration_seconds',
      'Time from the start of the delivery of a page group to its commit; only groups that published something',
    ),
    buckets: [0.1, 1, 5],
  },
  changeDelay: {
    ...ofStream(
      'change_delay_seconds',
      'Time from the modification of a client to the commit of its event, by the clock of the server; changes found by live scans, if the modification time is mapped and has a time of day',
    ),
    buckets: [10, 60, 600, 3600],
  },
}
