import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { LateChange } from '../pipeline/late-change.ts'
import type { Observe, PipelineEvent } from '../pipeline/pipeline-event.ts'
import type { ScanKind } from '../scan/scan-state.ts'
import { type ByKind, byKind, type EventOf } from './by-kind.ts'
import type { ReplicaEvent } from './group-status.ts'
import { counterList, gaugeList, histogramList, type MetricEntry } from './metric-list.ts'
import { clientsOf } from './scan-status.ts'

type Labelled = Readonly<Record<string, string>>

/** Metrics updated by events; one set for each registry, shared by the streams. */
interface PipelineMetrics {
  readonly count: (name: keyof typeof counterList, labels: Labelled, by?: number) => void
  readonly measure: (name: keyof typeof histogramList, labels: Labelled, seconds: number) => void
  /** Exports a histogram before its first value. */
  readonly zero: (name: keyof typeof histogramList, labels: Labelled) => void
  readonly set: (name: keyof typeof gaugeList, labels: Labelled, value: number) => void
}

export function pipelineMetrics(registry: Registry): PipelineMetrics {
  const options = ({ name, help, labels }: MetricEntry) => ({ name, help, labelNames: labels, registers: [registry] })
  const counters = mapValues(counterList, (metric) => new Counter(options(metric)))
  const gauges = mapValues(gaugeList, (metric) => new Gauge(options(metric)))
  const histograms = mapValues(
    histogramList,
    ({ buckets, ...metric }) => new Histogram({ ...options(metric), buckets: [...buckets] }),
  )
  return {
    count: (name, labels, by = 1) => counters[name].inc(labels, by),
    measure: (name, labels, seconds) => histograms[name].observe(labels, seconds),
    zero: (name, labels) => histograms[name].zero(labels),
    set: (name, labels, value) => gauges[name].set(labels, value),
  }
}

const scanKinds: readonly ScanKind[] = ['live', 'look-back', 'backfill', 'full']

/** Counts the events of one stream. Its counters without error codes exist from the start: `rate()` needs a zero. */
export function metricsObserver(metrics: PipelineMetrics, stream: string): Observe {
  for (const [name, { labels }] of Object.entries(counterList) as [keyof typeof counterList, MetricEntry][]) {
    if (labels.join() === 'stream') metrics.count(name, { stream }, 0)
    if (labels.join() === 'stream,scan') for (const scan of scanKinds) metrics.count(name, { stream, scan }, 0)
  }
  metrics.zero('foundLate', { stream })
  return (event) => byKind(updates, event)({ metrics, stream })
}

/** Counts the events of this replica. */
export function replicaMetrics(metrics: PipelineMetrics): (event: ReplicaEvent) => void {
  return (event) => byKind(replicaUpdates, event)(metrics)
}

const unchanged = () => {}
const replicaUpdates: ByKind<(metrics: PipelineMetrics) => void, ReplicaEvent> = {
  'group-joined': () => (metrics) => metrics.count('rebalances', {}),
  'session-expired': () => (metrics) => metrics.count('sessionExpiries', {}),
  'membership-lost':
    ({ code }) =>
    (metrics) =>
      metrics.count('membershipLosses', { code }),
  'group-described': () => unchanged,
  'membership-restored': () => unchanged,
  'group-left': () => unchanged,
  'assignment-changed': () => unchanged,
  'stream-released': () => unchanged,
  'stream-contested':
    ({ stream }) =>
    (metrics) =>
      metrics.count('contested', { stream }),
}

type Update = (to: { metrics: PipelineMetrics; stream: string }) => void

const counting =
  (name: keyof typeof counterList, by = 1, more: Labelled = {}): Update =>
  ({ metrics, stream }) =>
    metrics.count(name, { stream, ...more }, by)
const all =
  (...updates: Update[]): Update =>
  (to) => {
    for (const update of updates) update(to)
  }
const seconds =
  (name: keyof typeof histogramList, ms: number): Update =>
  ({ metrics, stream }) =>
    metrics.measure(name, { stream }, Math.max(0, ms) / 1000)
const setting =
  (name: keyof typeof gaugeList, value: number, more: Labelled = {}): Update =>
  ({ metrics, stream }) =>
    metrics.set(name, { stream, ...more }, value)
const nothing: Update = () => {}
const warning = ({ kind }: PipelineEvent) => counting('warnings', 1, { kind })

const updates: ByKind<Update> = {
  'group-unreachable': () => nothing,
  'group-reachable': () => nothing,
  'stream-opening': () => counting('openings'),
  'control-awaited': () => nothing,
  'stream-paused': () => nothing,
  'pause-unsettled': warning,
  'pause-ended': () => nothing,
  'stream-claimed': () => nothing,
  'producer-closed': () => nothing,
  'transactions-repaired': () => counting('repairs'),
  'taken-over': () => counting('takeOvers'),
  'source-moved': warning,
  'partitions-grown': warning,
  'field-detected': () => nothing,
  'scan-started': ({ scan }) => counting('scans', 1, { scan }),
  'page-read': ({ scan, clients, limit, bytes, tookMs }) =>
    all(
      counting('pages', 1, { scan }),
      counting('emptyPages', clients === 0 ? 1 : 0),
      counting('clients', clients, { scan }),
      counting('readBytes', bytes),
      seconds('read', tookMs),
      setting('pageLimit', limit, { scan }),
    ),
  'list-ambiguous': warning,
  'certificate-seen': () => nothing,
  'characters-replaced': ({ characters }) => counting('replacedCharacters', characters),
  'request-waited': ({ ms }) => counting('requestWait', ms / 1000),
  'read-retried': ({ code }) => counting('readRetries', 1, { code }),
  'read-recovered': () => nothing,
  'source-waiting': () => nothing,
  'probe-failed': ({ code }) => counting('readRetries', 1, { code }),
  'source-resumed': () => nothing,
  'caught-up': () => nothing,
  'fell-behind': () => nothing,
  'pages-published': pagesPublished,
  'checkpoint-saved': ({ bytes }) => all(counting('checkpointSaves'), setting('checkpointBytes', bytes)),
  'server-clock-missing': warning,
  'server-clock-jumped': warning,
  'segment-written': ({ bytes }) => all(counting('segments'), counting('segmentBytes', bytes)),
  'index-upkeep-failed': warning,
  'segments-missing': warning,
  'checkpoint-refused': () => counting('refusedCheckPoints'),
  'scan-paused': warning,
  'scan-stuck': warning,
  'limit-lowered': warning,
  'scans-not-interleaved': warning,
  'scan-done': () => nothing,
  'late-changes': warning,
  'fields-keep-changing': warning,
  'stream-retrying': ({ code }) => counting('reopenings', 1, { code }),
  'stream-lost': () => counting('losses'),
  'stream-held': ({ code }) => counting('holds', 1, { code }),
  'stream-still-held': () => nothing,
  'stream-resuming': () => nothing,
  'stream-failed': () => nothing,
  'stream-ended': () => nothing,
}

function pagesPublished({ scans, deadLetters, bytes, tookMs }: EventOf<'pages-published'>): Update {
  const published = all(
    counting('transactions'),
    counting('deadLetters', deadLetters),
    counting('publishedBytes', bytes),
    seconds('publish', tookMs),
  )
  return all(
    counting('suppressed', clientsOf(scans, 'suppressed')),
    counting('superseded', clientsOf(scans, 'superseded')),
    ...[...scans].map(([scan, { events, late }]) => all(counting('events', events, { scan }), lateChanges(scan, late))),
    clientsOf(scans, 'events') + deadLetters > 0 ? published : nothing,
  )
}

function lateChanges(scan: ScanKind, late: readonly LateChange[]): Update {
  const delays = late.flatMap(({ ms }) => (ms === undefined ? [] : [seconds('foundLate', ms)]))
  return all(counting('foundLate', late.length, { scan }), ...delays)
}

function mapValues<Name extends string, In, Out>(list: Readonly<Record<Name, In>>, make: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(list).map(([name, value]) => [name, make(value)])) as Record<Name, Out>
}
