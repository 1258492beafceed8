import { type Panel, panels } from './dashboard-panels.ts'

const datasource = { type: 'prometheus', uid: `\${datasource}` }

/** The namespace is a regular expression that also matches its absence, so that no label of Kubernetes is needed. */
const ofReplica = 'connector="$connector", namespace=~"$namespace"'
const ofStream = `${ofReplica}, stream=~"$stream"`
const selected = (query: string) => query.replaceAll('$this', ofStream).replaceAll('$replica', ofReplica)

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
    panels: [failureTable(), ...panels.map(timeSeries)],
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

function variables(): readonly object[] {
  const source = { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' }
  const all = { includeAll: true, multi: true, allValue: '.*', current: { text: 'All', value: '$__all' } }
  return [
    source,
    variable('connector', 'polaris_connector_ready'),
    { ...variable('namespace', 'polaris_connector_ready{connector="$connector"}'), ...all },
    { ...variable('stream', `polaris_connector_stream_state{${ofReplica}}`), ...all },
  ]
}

function variable(name: string, series: string): object {
  const query = `label_values(${series}, ${name})`
  return { name, type: 'query', datasource, query: { query, refId: name }, definition: query, refresh: 2, sort: 1 }
}

const TABLE_HEIGHT = 7

/** The streams that fail or are held now, with the code of the failure. */
function failureTable(): object {
  // Both series are of one replica, which has the stream in one state.
  const expr = selected(
    '(polaris_connector_stream_state{$this, state!="waiting"} == 1) * ignoring (state, code) group_right (state) polaris_connector_stream_failure{$this}',
  )
  const others = ['Time', 'Value', 'connector', 'namespace', 'job', 'container', 'endpoint', 'service']
  const hidden = Object.fromEntries(others.map((name) => [name, true]))
  return {
    id: 1,
    type: 'table',
    title: 'Streams that fail now',
    description:
      'State and error code of each stream that has failed since its last progress: held streams stay here until the cause is resolved. The runbook has a section for each code. Empty: all is well.',
    datasource,
    gridPos: { x: 0, y: 0, w: 24, h: TABLE_HEIGHT },
    fieldConfig: { defaults: { noValue: 'No stream fails' }, overrides: [] },
    options: { showHeader: true, sortBy: [{ displayName: 'stream', desc: false }] },
    transformations: [
      {
        id: 'organize',
        options: { excludeByName: hidden, indexByName: { stream: 0, state: 1, code: 2, pod: 3, instance: 4 } },
      },
    ],
    targets: [{ refId: 'A', datasource, expr, format: 'table', instant: true }],
  }
}

function timeSeries({ title, description, unit, queries }: Panel, index: number): object {
  return {
    id: index + 2,
    type: 'timeseries',
    ...{ title, description, datasource },
    gridPos: { x: (index % 2) * 12, y: TABLE_HEIGHT + Math.floor(index / 2) * 8, w: 12, h: 8 },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(queries).map(([legendFormat, query], position) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + position),
      datasource,
      expr: selected(query),
      legendFormat,
    })),
  }
}
