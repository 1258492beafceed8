import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Manifest, manifests, promtool, someValues } from '../support/helm.ts'
import { exportedSeries, unanswered } from './exported-series.ts'

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

const folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
afterAll(() => rmSync(folder, { recursive: true }))

const configMap = manifests('4', someValues({ dashboard: { enabled: true } })).find(
  ({ metadata }) => metadata.name === 'shops-polaris-connector-dashboard',
) as Manifest
const { panels } = JSON.parse(configMap.data['polaris-connector.json']) as Dashboard
const queries = panels.flatMap(({ title, targets }) =>
  // Grafana replaces these variables.
  targets.map(({ expr }) => ({
    title,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$connector', 'shops'),
  })),
)

test('the dashboard has the label that the Grafana sidecar looks for', () => {
  expect(configMap.metadata.labels).toMatchObject({ grafana_dashboard: '1' })
})

test('every query of the dashboard is valid PromQL', () => {
  const rules = queries.map(({ expr }, index) => ({ record: `panel:${index}`, expr }))
  const path = join(folder, 'rules.json')
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  expect(promtool('check', 'rules', path)).toContain(`SUCCESS: ${queries.length} rules found`)
})

test('every query of the dashboard uses only series and labels that a replica exports', async () => {
  const exported = await exportedSeries()
  for (const { title, expr } of queries) expect(unanswered(expr, exported), title).toEqual([])
})
