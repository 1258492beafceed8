import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type StreamState, streamStates } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { errorCatalogue } from '../runtime/error-catalogue.ts'
import { lanes } from '../scan/scan-state.ts'
import type { ReplicaStatus } from './replica-status.ts'
import { isActive, type StreamStatus, shownFailure } from './stream-status.ts'

type Labelled = Readonly<Record<string, string>>

/** One metric of the connector. Each also has the label `connector`. */
export interface MetricEntry {
  readonly name: string
  readonly help: string
  /**
   * Each label with its values if they are fixed, otherwise `any`. A counter exists from the start for fixed values.
   */
  readonly labels: Readonly<Record<string, readonly string[] | 'any'>>
}

/** Returns a metric of the whole replica: what all streams share, or what would be too many series for each stream. */
const metricOfReplica = (name: string, help: string, labels: MetricEntry['labels'] = {}): MetricEntry => ({
  name: `polaris_connector_${name}`,
  help,
  labels,
})
/** Returns a metric of each stream. */
const metricOfStream = (name: string, help: string, more: MetricEntry['labels'] = {}) =>
  metricOfReplica(name, help, { stream: 'any', ...more })

export const counterList = {
  pages: metricOfStream('pages_total', 'Pages read from Polaris', { lane: lanes }),
  clients: metricOfStream('clients_total', 'Clients read from Polaris'),
  events: metricOfStream('events_total', 'Events published', { lane: lanes }),
  deadLetters: metricOfStream('dead_letters_total', 'Clients published to the dead-letter topic'),
  suppressed: metricOfStream('suppressed_total', 'Clients read again with unchanged content and not published'),
  superseded: metricOfStream(
    'superseded_total',
    'Clients not published because a scan that began later had published them',
    { lane: lanes },
  ),
  replacedCharacters: metricOfStream(
    'replaced_characters_total',
    'Characters that XML forbids, such as &#x0;, published as U+FFFD',
  ),
  takeOvers: metricOfStream('take_overs_total', 'Claims of the stream that took it over from another replica'),
  contested: metricOfStream('contested_total', 'Times another process took the stream again within five minutes'),
  failures: metricOfReplica(
    'failures_total',
    'Reads retried, streams reopened or held, and group memberships lost; stream_failure shows which stream fails now',
    { code: Object.keys(errorCatalogue) },
  ),
  warnings: metricOfReplica('warnings_total', 'Warnings of all streams; the log shows the stream', {
    kind: 'any',
  }),
  responses: metricOfReplica('responses_total', 'HTTP responses of Polaris, also to logins, and redirects', {
    status: 'any',
  }),
} as const satisfies Record<string, MetricEntry>

/** The histograms have few buckets: each costs one series a stream. */
export const histogramList = {
  read: {
    ...metricOfStream('read_duration_seconds', 'Time from sending a request to its complete response'),
    buckets: [0.1, 0.5, 2.5, 10],
  },
  publish: {
    ...metricOfStream(
      'publish_duration_seconds',
      'Time from the start of the delivery of a page group with records to its commit',
    ),
    buckets: [0.1, 1, 5],
  },
  changeDelay: {
    ...metricOfStream(
      'change_delay_seconds',
      'Time from the modification of a client to the commit of its event, by the clock of the server; only of live scans, and if a modification time with a time of day is mapped',
    ),
    buckets: [10, 60, 600, 3600],
  },
}

interface ScrapedParts {
  readonly clock: Clock
  readonly version: string
  readonly replica: string
  readonly status: ReplicaStatus
}

/** One series of a gauge, at a scrape. */
type Sample = readonly [labels: Labelled, value: number]

interface ScrapedEntry extends MetricEntry {
  readonly samples: (parts: ScrapedParts) => readonly Sample[]
}

/** Returns a gauge of each stream. */
const gaugeOfEach = (
  name: string,
  help: string,
  labels: MetricEntry['labels'],
  samples: (status: StreamStatus, clock: Clock) => readonly Sample[],
): ScrapedEntry => ({
  ...metricOfStream(name, help, labels),
  samples: ({ status: replica, clock }) =>
    replica
      .streams()
      .flatMap(({ stream, status }) =>
        samples(status, clock).map(([more, value]): Sample => [{ stream, ...more }, value]),
      ),
})

/** Returns a gauge of each stream that runs here; a stream without a value has no series. */
const gaugeOfRunning = (
  name: string,
  help: string,
  value: (status: StreamStatus, clock: Clock) => number | undefined,
) =>
  gaugeOfEach(name, help, {}, (status, clock) => {
    const found = isActive(status) ? value(status, clock) : undefined
    return found === undefined ? [] : [[{}, found]]
  })

/** A stream that has ended waits until it is assigned again. */
export const exportedStates: readonly StreamState[] = streamStates.filter((state) => state !== 'ended')

/**
 * These gauges are computed at each scrape from the status. Times are in seconds since 1970: their age is `time() -
 * metric`.
 */
export const scrapedList: readonly ScrapedEntry[] = [
  gaugeOfRunning(
    'last_live_scan_timestamp_seconds',
    'When a live scan was last completed, or the stream started here if none was',
    (status, clock) => timestamp(status.liveScanAt ?? status.startedAt, clock),
  ),
  gaugeOfRunning(
    'newest_change_timestamp_seconds',
    'When the newest change that was read was made, by the clock of the server, or else when the stream was created; without a mapped time of day, when a change was published',
    ({ newestChange, scans }) => seconds(newestChange ?? scans?.createdAt ?? undefined),
  ),
  gaugeOfEach(
    'backed_off_seconds',
    'How long the pages of a lane have failed; absent otherwise',
    { lane: lanes },
    ({ backedOff }, clock) =>
      lanes.flatMap((lane): Sample[] => {
        const since = backedOff.flatMap((one) => (one.lane === lane ? [one.since] : []))
        return since.length === 0 ? [] : [[{ lane }, (clock.monotonic() - Math.min(...since)) / 1000]]
      }),
  ),
  gaugeOfRunning('index_clients', 'Clients in the client index', ({ indexClients }) => indexClients),
  gaugeOfEach(
    'stream_state',
    '1 for the current state of the stream on this replica, 0 for the others; `waiting` if it does not run here',
    { state: 'any' },
    ({ state }) => {
      const exported = state === 'ended' ? 'waiting' : state
      return exportedStates.map((one) => [{ state: one }, exported === one ? 1 : 0])
    },
  ),
  gaugeOfEach(
    'stream_failure',
    '1 for the code of the last failure that is not over; absent if nothing fails',
    { code: 'any' },
    (status) => {
      const shown = shownFailure(status)
      return shown === undefined ? [] : [[{ code: shown.failure.code }, 1]]
    },
  ),
  {
    ...metricOfReplica('ready', '1 when /readyz returns 200, otherwise 0'),
    samples: ({ status }) => [[{}, status.isReady() ? 1 : 0]],
  },
  {
    ...metricOfReplica('build_info', 'Always 1; the labels show the version and the replica', {
      version: 'any',
      replica: 'any',
    }),
    samples: ({ version, replica }) => [[{ version, replica }, 1]],
  },
]

/** Registers the gauges, which are computed at each scrape. */
export function scrapedMetrics(registry: Registry, parts: ScrapedParts): void {
  for (const { samples, ...metric } of scrapedList) {
    const gauge: Gauge = new Gauge({
      ...optionsOf(metric, registry),
      collect: () => {
        gauge.reset()
        for (const [labelled, value] of samples(parts)) gauge.set(labelled, value)
      },
    })
  }
}

const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000)

/** Converts a time of `Clock.monotonic` to seconds since 1970. */
const timestamp = (at: number, { now, monotonic }: Clock) => Math.round(now() - (monotonic() - at)) / 1000

/** Metrics that events update. Those of a stream get its label. */
export interface Metrics {
  count(name: keyof typeof counterList, by?: number, labels?: Labelled): void
  /** Adds a time to a histogram; a negative one counts as 0. */
  measure(name: keyof typeof histogramList, ms: number): void
}

/** Registers all metrics; those of the replica exist from now on. */
export function promMetrics(registry: Registry) {
  const counters = mapValues(counterList, (metric) => new Counter(optionsOf(metric, registry)))
  const histograms = mapValues(histogramList, ({ buckets, ...metric }) => {
    return new Histogram({ ...optionsOf(metric, registry), buckets })
  })
  const beginAtZero = (own: Labelled) => {
    for (const [name, { labels }] of Object.entries<MetricEntry>(counterList))
      if ('stream' in labels === 'stream' in own)
        for (const one of fixedLabels(labels)) counters[name as keyof typeof counterList].inc({ ...own, ...one }, 0)
  }
  const metrics = (own: Labelled): Metrics => ({
    count: (name, by = 1, labels = {}) =>
      counters[name].inc('stream' in counterList[name].labels ? { ...own, ...labels } : labels, by),
    measure: (name, ms) => histograms[name].observe(own, Math.max(0, ms) / 1000),
  })
  beginAtZero({})
  return {
    ofReplica: metrics({}),
    /** Exports the counters and histograms of the stream before its first event: `rate()` needs a zero. */
    ofStream: (stream: string): Metrics => {
      beginAtZero({ stream })
      for (const one of Object.values(histograms)) one.zero({ stream })
      return metrics({ stream })
    },
  }
}

function optionsOf({ name, help, labels }: MetricEntry, registry: Registry) {
  return { name, help, labelNames: Object.keys(labels), registers: [registry] }
}

/** Returns each value of the label besides `stream`, if they are fixed; a metric without one has a single series. */
function fixedLabels({ stream: _, ...labels }: MetricEntry['labels']): readonly Labelled[] {
  const [label] = Object.entries(labels)
  if (label === undefined) return [{}]
  const [name, values] = label
  return values === 'any' ? [] : values.map((value) => ({ [name]: value }))
}

function mapValues<Name extends string, In, Out>(list: Readonly<Record<Name, In>>, make: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(list).map(([name, value]) => [name, make(value)])) as Record<Name, Out>
}

/** Returns a registry whose series have the label `connector`, with the metrics of the process. */
export function processRegistry(connector: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ connector })
  collectDefaultMetrics({ register: registry })
  return registry
}
