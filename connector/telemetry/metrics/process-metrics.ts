import { collectDefaultMetrics, Registry } from 'prom-client'

/** A registry whose series have the label `connector`, with the metrics of the process and, if wanted, of Node.js. */
export function processRegistry(connector: string, { nodeMetrics }: { readonly nodeMetrics: boolean }): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ connector })
  if (nodeMetrics) {
    collectDefaultMetrics({ register: registry })
    return registry
  }
  const all = new Registry()
  collectDefaultMetrics({ register: all })
  for (const { name } of all.getMetricsAsArray()) {
    if (name.startsWith('process_')) registry.registerMetric(all.getSingleMetric(name) as never) // it is registered
  }
  return registry
}
