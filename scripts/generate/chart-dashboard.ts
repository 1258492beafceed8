interface Panel {
  readonly title: string
  readonly unit: 'short' | 's' | 'ops' | 'bytes' | 'percentunit'
  /** Legend to query. `$this` is replaced by the selected labels. */
  readonly queries: Readonly<Record<string, string>>
}

const rate = (metric: string, by: string) =>
  `sum by (${by}) (rate(polaris_connector_${metric}{$this}[$__rate_interval]))`
const newest = (metric: string) => `min by (stream) (polaris_connector_${metric}{$this})`
const quantiles = (metric: string) =>
  Object.fromEntries(
    [0.5, 0.99].map((quantile) => [
      `{{stream}} p${quantile * 100}`,
      `histogram_quantile(${quantile}, ${rate(`${metric}_bucket`, 'stream, le')})`,
    ]),
  )

/** Most important first; two per row. */
const panels: readonly Panel[] = [
  {
    title: 'Streams by state',
    unit: 'short',
    queries: { '{{state}}': 'sum by (state) (polaris_connector_stream_state{$this, state!~"waiting|lost"})' },
  },
  { title: 'Ready replicas', unit: 'short', queries: { ready: 'sum(polaris_connector_ready{$this})' } },
  {
    title: 'Events published',
    unit: 'ops',
    queries: { '{{stream}} {{scan}}': rate('events_total', 'stream, scan') },
  },
  {
    title: 'Clients read, and suppressed as unchanged',
    unit: 'ops',
    queries: {
      '{{stream}} {{scan}}': rate('clients_total', 'stream, scan'),
      '{{stream}} unchanged': rate('suppressed_total', 'stream'),
    },
  },
  {
    title: 'Time since the last page was read',
    unit: 's',
    queries: { '{{stream}}': newest('seconds_since_good_poll') },
  },
  {
    title: 'Time since the checkpoint was saved',
    unit: 's',
    queries: { '{{stream}}': newest('checkpoint_age_seconds') },
  },
  {
    title: 'Time since the last complete live scan',
    unit: 's',
    queries: { '{{stream}}': newest('seconds_since_live_scan') },
  },
  {
    title: 'Changes found late, and look-backs that do not keep up',
    unit: 'short',
    queries: {
      '{{stream}} {{scan}}':
        'sum by (stream, scan) (increase(polaris_connector_found_late_total{$this}[$__rate_interval]))',
      '{{stream}} look-backs behind': newest('look_backs_behind'),
    },
  },
  { title: 'Delay of changes found late', unit: 's', queries: quantiles('found_late_seconds') },
  { title: 'Clients in the index', unit: 'short', queries: { '{{stream}}': newest('index_clients') } },
  {
    title: 'Dead letters',
    unit: 'short',
    queries: {
      '{{stream}}': 'sum by (stream) (increase(polaris_connector_dead_letters_total{$this}[$__rate_interval]))',
    },
  },
  {
    title: 'Time until certificates expire',
    unit: 's',
    queries: {
      '{{stream}} {{certificate}}':
        'min by (stream, certificate) (polaris_connector_certificate_expiry_timestamp_seconds{$this}) - time()',
    },
  },
  {
    title: 'Failures by error code',
    unit: 'ops',
    queries: {
      '{{stream}} reopened: {{code}}': rate('reopenings_total', 'stream, code'),
      '{{stream}} read retried: {{code}}': rate('read_retries_total', 'stream, code'),
    },
  },
  {
    title: 'Take-overs and contention',
    unit: 'ops',
    queries: { 'taken over': rate('take_overs_total', 'stream'), contested: rate('contested_total', 'stream') },
  },
  { title: 'Time to read a page', unit: 's', queries: quantiles('read_duration_seconds') },
  { title: 'Time to publish a page group', unit: 's', queries: quantiles('publish_duration_seconds') },
  {
    title: 'Memory',
    unit: 'bytes',
    queries: {
      '{{pod}}': 'process_resident_memory_bytes{$this}',
      'client index of {{stream}}': newest('index_memory_bytes'),
    },
  },
  {
    title: 'CPU',
    unit: 'percentunit',
    queries: { '{{pod}}': 'rate(process_cpu_seconds_total{$this}[$__rate_interval])' },
  },
]

/** The Grafana dashboard as JSON. */
export function chartDashboard(): string {
  const dashboard = {
    uid: 'polaris-connector',
    title: 'Polaris clients connector',
    tags: ['polaris', 'kafka'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: variables() },
    panels: panels.map(panelJson),
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

function variables(): readonly object[] {
  const labelVariable = (name: string, selector: string) => {
    const query = `label_values(polaris_connector_ready${selector}, ${name})`
    return { name, type: 'query', datasource, query: { query, refId: name }, definition: query, refresh: 2, sort: 1 }
  }
  const source = { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' }
  return [source, labelVariable('namespace', ''), labelVariable('connector', '{namespace="$namespace"}')]
}

const datasource = { type: 'prometheus', uid: `\${datasource}` }

function panelJson({ title, unit, queries }: Panel, index: number): object {
  const selected = 'connector="$connector", namespace="$namespace"'
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    datasource,
    gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(queries).map(([legendFormat, query], position) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + position),
      datasource,
      expr: query.replaceAll('$this', selected),
      legendFormat,
    })),
  }
}
