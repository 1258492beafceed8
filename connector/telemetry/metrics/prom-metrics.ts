import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { counterList, gaugeList, histogramList, type MetricEntry } from './metric-list.ts'

type Labelled = Readonly<Record<string, string>>

/** Metrics updated by events; one set for each registry, shared by the streams. */
export interface PromMetrics {
  readonly count: (name: keyof typeof counterList, labels: Labelled, by?: number) => void
  readonly measure: (name: keyof typeof histogramList, labels: Labelled, seconds: number) => void
  readonly set: (name: keyof typeof gaugeList, labels: Labelled, value: number) => void
  /** Exports the counters and histograms of a stream before its first event: `rate()` needs a zero. */
  readonly zeroStream: (stream: string) => void
}

/** Registers all metrics; those of the replica exist from now on. */
export function promMetrics(registry: Registry): PromMetrics {
  const options = ({ name, help, labels }: MetricEntry) => {
    return { name, help, labelNames: Object.keys(labels), registers: [registry] }
  }
  const counters = mapValues(counterList, (metric) => new Counter(options(metric)))
  const gauges = mapValues(gaugeList, (metric) => new Gauge(options(metric)))
  const histograms = mapValues(
    histogramList,
    ({ buckets, ...metric }) => new Histogram({ ...options(metric), buckets: [...buckets] }),
  )
  const zero = (known: Labelled) => {
    for (const [name, { labels }] of Object.entries<MetricEntry>(counterList))
      if ('stream' in labels === 'stream' in known)
        for (const fixed of fixedLabels(labels, known)) counters[name as keyof typeof counterList].inc(fixed, 0)
  }
  zero({})
  return {
    count: (name, labels, by = 1) => counters[name].inc(labels, by),
    measure: (name, labels, seconds) => histograms[name].observe(labels, seconds),
    set: (name, labels, value) => gauges[name].set(labels, value),
    zeroStream: (stream) => {
      zero({ stream })
      for (const one of Object.values(histograms)) one.zero({ stream })
    },
  }
}

/** Every combination of the fixed labels with those that are known; none if a label has no fixed values. */
function fixedLabels(labels: MetricEntry['labels'], known: Labelled): readonly Labelled[] {
  return Object.entries(labels).reduce<readonly Labelled[]>(
    (found, [label, values]) => {
      if (label in known) return found
      return values === 'any' ? [] : found.flatMap((one) => values.map((value) => ({ ...one, [label]: value })))
    },
    [known],
  )
}

function mapValues<Name extends string, In, Out>(list: Readonly<Record<Name, In>>, make: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(list).map(([name, value]) => [name, make(value)])) as Record<Name, Out>
}
