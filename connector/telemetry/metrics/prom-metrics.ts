import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { counterList, histogramList, type MetricEntry } from './metric-list.ts'

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
