import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closingAfterAll, temporaryFolder } from '../support/closing.ts'
import { type Manifest, manifests, promtool, someValues } from '../support/helm.ts'
import { exportedSeries, unanswered } from './exported-series.ts'

// promtool reads each query of the dashboard, and the real registry says which series a replica exports.

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets: readonly { readonly expr: string }[]
}
interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

const folder = temporaryFolder(closingAfterAll())

const configMap = manifests(someValues({ dashboard: { enabled: true } })).find(
  ({ metadata }) => metadata.name === 'shops-polaris-connector-dashboard',
) as Manifest
const { panels, templating } = JSON.parse(configMap.data['polaris-connector.json']) as Dashboard
/** Grafana replaces these variables. */
const replaced = (query: string) =>
  query
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$connector', 'shops')
    .replaceAll(/\$(namespace|stream)/g, '.*')
const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr: replaced(expr) })))

test('every query of the dashboard is valid PromQL', () => {
  const rules = queries.map(({ expr }, index) => ({ record: `panel:${index}`, expr }))
  const path = join(folder, 'rules.json')
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  expect(promtool('check', 'rules', path)).toContain(`SUCCESS: ${queries.length} rules found`)
})

test('every query of the dashboard and of its variables uses only series and labels that a replica exports', async () => {
  const exported = await exportedSeries()
  for (const { title, expr } of queries) expect(unanswered(expr, exported), title).toEqual([])
  expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'connector', 'namespace', 'stream'])
  for (const { definition = '' } of templating.list) expect(unanswered(replaced(definition), exported)).toEqual([])
})

test('the table shows each failing stream once with its state and code, even during a handover', () => {
  const labelsText = (more: object) => {
    const all = Object.entries({ connector: 'shops', instance: 'a', namespace: 'retail', pod: 'a', ...more })
    return `{${all.map(([key, value]) => `${key}="${value}"`)}}`
  }
  const series = (name: string, more: object) => {
    return { series: `polaris_connector_${name}${labelsText(more)}`, values: '1x5' }
  }
  const table = panels.find(({ type }) => type === 'table')
  const inputs = [
    series('stream_state', { stream: 'paris', state: 'held' }),
    series('stream_state', { stream: 'paris', state: 'opening', instance: 'b' }),
    series('stream_state', { stream: 'lyon', state: 'running' }),
    series('stream_failure', { stream: 'paris', code: 'source.mapping' }),
  ]
  const expected = { labels: labelsText({ stream: 'paris', state: 'held', code: 'source.mapping' }), value: 1 }
  const expr = replaced(table?.targets[0]?.expr ?? '')
  const promql_expr_test = [{ expr, eval_time: '3m', exp_samples: [expected] }]
  const path = join(folder, 'table.json')
  writeFileSync(path, JSON.stringify({ tests: [{ interval: '1m', input_series: inputs, promql_expr_test }] }))
  expect(promtool('test', 'rules', path)).toContain('SUCCESS')
})
