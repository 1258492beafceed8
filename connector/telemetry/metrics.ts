import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Observe, PipelineEvent } from '../pipeline/pipeline-event.ts'
import { type ByKind, byKind, type EventOf } from './by-kind.ts'
import type { ReplicaEvent } from './group-status.ts'
import { counterList, gaugeList, histogramList, type MetricEntry } from './metric-list.ts'

type Labelled = Readonly<Record<string, string>>

/** What the events move; one set per registry, shared by the streams. */
export interface PipelineMetrics {
  readonly count: (name: keyof typeof counterList, labels: Labelled, by?: number) => void
  readonly measure: (name: keyof typeof histogramList, labels: Labelled, seconds: number) => void
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
    set: (name, labels, value) => gauges[name].set(labels, value),
  }
}

/** Counts what one stream tells. Its plain counters exist from the start, so that a rate has a zero to begin at. */
export function metricsObserver(metrics: PipelineMetrics, stream: string): Observe {
  for (const [name, { labels }] of Object.entries(counterList) as [keyof typeof counterList, MetricEntry][]) {
    if (labels.length === 1 && labels[0] === 'stream') metrics.count(name, { stream }, 0)
  }
  return (event) => byKind(movements, event)({ metrics, stream })
}

/** Counts what is told of the replicas. */
export function replicaMetrics(metrics: PipelineMetrics): (event: ReplicaEvent) => void {
  return (event) => byKind(replicaMovements, event)(metrics)
}

const unmoved = () => {}
const replicaMovements: ByKind<(metrics: PipelineMetrics) => void, ReplicaEvent> = {
  'group-joined': () => (metrics) => metrics.count('rebalances', {}),
  'session-expired': () => (metrics) => metrics.count('sessionExpiries', {}),
  'group-broken':
    ({ code }) =>
    (metrics) =>
      metrics.count('groupBreaks', { code }),
  'group-seen': () => unmoved,
  'group-rebuilt': () => unmoved,
  'group-left': () => unmoved,
  'assignment-changed': () => unmoved,
  'stream-let-go': () => unmoved,
  'stream-contested':
    ({ stream }) =>
    (metrics) =>
      metrics.count('contested', { stream }),
}

type Movement = (to: { metrics: PipelineMetrics; stream: string }) => void

const counting =
  (name: keyof typeof counterList, by = 1, more: Labelled = {}): Movement =>
  ({ metrics, stream }) =>
    metrics.count(name, { stream, ...more }, by)
const all =
  (...movements: Movement[]): Movement =>
  (to) => {
    for (const movement of movements) movement(to)
  }
const seconds =
  (name: keyof typeof histogramList, ms: number): Movement =>
  ({ metrics, stream }) =>
    metrics.measure(name, { stream }, Math.max(0, ms) / 1000)
const setting =
  (name: keyof typeof gaugeList, value: number): Movement =>
  ({ metrics, stream }) =>
    metrics.set(name, { stream }, value)
const nothing: Movement = () => {}
const warning = ({ kind }: PipelineEvent) => counting('warnings', 1, { kind })

const movements: ByKind<Movement> = {
  'stream-opening': () => counting('openings'),
  'stream-claimed': () => nothing,
  'session-closed': () => nothing,
  'taken-over': () => counting('takeOvers'),
  'setting-ignored': warning,
  'source-moved': warning,
  'partitions-grown': warning,
  'field-detected': () => nothing,
  'drain-started': () => counting('drains'),
  'page-read': ({ clients, bytes, tookMs }) =>
    all(
      counting('pages'),
      counting('emptyPages', clients === 0 ? 1 : 0),
      counting('clients', clients),
      counting('readBytes', bytes),
      seconds('read', tookMs),
    ),
  'list-ambiguous': warning,
  'request-waited': ({ ms }) => counting('requestWait', ms / 1000),
  'read-retried': ({ code }) => counting('readRetries', 1, { code }),
  'caught-up': () => nothing,
  'fell-behind': () => nothing,
  'group-published': groupPublished,
  'checkpoint-saved': ({ bytes }) => all(counting('checkpointSaves'), setting('checkpointBytes', bytes)),
  lateness: ({ ms }) => all(seconds('lateness', ms), setting('lastLateness', ms / 1000)),
  'lateness-high': warning,
  'window-overflowed': ({ entries }) => counting('windowOverflow', entries),
  'server-clock-missing': warning,
  'checkpoint-refused': () => counting('refusedCheckPoints'),
  'fields-keep-changing': warning,
  'stream-retrying': ({ code }) => counting('reopenings', 1, { code }),
  'stream-lost': () => counting('losses'),
  'stream-stopped': ({ code }) => counting('stops', 1, { code }),
  'stream-ended': () => nothing,
}

function groupPublished(event: EventOf<'group-published'>): Movement {
  const { events, deadLetters, suppressed, bytes, tookMs } = event
  const published = all(
    counting('transactions'),
    counting('events', events),
    counting('deadLetters', deadLetters),
    counting('publishedBytes', bytes),
    seconds('publish', tookMs),
  )
  return all(counting('suppressed', suppressed), events + deadLetters > 0 ? published : nothing)
}

function mapValues<Name extends string, In, Out>(list: Readonly<Record<Name, In>>, make: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(list).map(([name, value]) => [name, make(value)])) as Record<Name, Out>
}
