import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closingAfterAll, temporaryFolder } from '../support/closing.ts'
import { manifests, only, promtool, someValues } from '../support/helm.ts'
import { alertCases, type Series } from './alert-cases.ts'
import { exportedSeries, unanswered } from './exported-series.ts'

// promtool runs the rules that the chart renders on made-up series; what a replica exports is read from the real
// registry.

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url?: string }
}

const folder = temporaryFolder(closingAfterAll())

const groupsOf = (values: object) =>
  only(manifests(someValues(values)), 'PrometheusRule').spec.groups as { name: string; rules: Rule[] }[]
const rulesOf = (values: object) => groupsOf({ prometheusRule: { enabled: true, ...values } })[0]?.rules ?? []
const rules = rulesOf({})

const file = (name: string, content: object) => {
  writeFileSync(join(folder, name), JSON.stringify(content))
  return join(folder, name)
}

test('promtool accepts the rules and their annotations', () => {
  const path = file('checked.json', { groups: groupsOf({ prometheusRule: { enabled: true } }) })
  expect(promtool('check', 'rules', '--lint-fatal', path)).toContain(`SUCCESS: ${rules.length} rules found`)
})

test('every alert has a case in which it fires, and one in which it does not', () => {
  expect(alertCases.map(({ alert }) => alert).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
  for (const { silent } of alertCases) expect(Object.keys(silent)).not.toEqual([])
})

test('every alert fires in its case, with the right labels and summary, and in no other one', () => {
  const own = { connector: 'shops', namespace: 'retail' }
  const paths = alertCases.map(({ alert, fires, silent }) => {
    const { annotations, ...rule } = rules.find((one) => one.alert === alert) as Rule
    const exp_labels = { ...own, severity: rule.labels.severity, ...fires.labels }
    const expected = [{ exp_labels, exp_annotations: { summary: fires.summary } }]
    const others = Object.values(silent).map((one) => testOf(alert, { ...one, own, expected: [] }))
    const elsewhere = testOf(alert, { ...fires, own: { ...own, namespace: 'wholesale' }, expected: [] })
    // promtool compares all annotations or none, so this keeps only the summary.
    const { summary } = annotations
    file(`${alert}.rules.json`, { groups: [{ name: alert, rules: [{ ...rule, annotations: { summary } }] }] })
    return file(`${alert}.json`, {
      rule_files: [`${alert}.rules.json`],
      evaluation_interval: '1m',
      tests: [testOf(alert, { ...fires, own, expected }), ...others, ...(fires.series.length === 0 ? [] : [elsewhere])],
    })
  })
  expect(promtool('test', 'rules', ...paths).match(/SUCCESS/g)).toHaveLength(paths.length)
})

interface Run {
  readonly series: readonly Series[]
  readonly at: string
  readonly own: object
  readonly expected: readonly object[]
}

const testOf = (alertname: string, { series, at, own, expected }: Run) => ({
  interval: '1m',
  input_series: series.map(({ metric, labels, values }) => ({
    series: seriesName(metric, { ...own, ...labels }),
    values,
  })),
  alert_rule_test: [{ alertname, eval_time: at, exp_alerts: expected }],
})

const seriesName = (metric: string, labels: object) =>
  `polaris_connector_${metric}{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`

test('alerts use only series and labels that a replica exports', async () => {
  const exported = await exportedSeries()
  for (const { alert, expr } of rules) expect(unanswered(expr, exported), alert).toEqual([])
  const misspelled = ['polaris_connector_page_total{}', 'polaris_connector_pages_total{a="b"}']
  expect(unanswered(misspelled.join(' + '), exported)).toEqual(misspelled)
})

test('limits follow the longest poll interval, and the time without a change is a value of the chart', () => {
  const limitOf = (alert: string, values: object = {}) => rulesOf(values).find((rule) => rule.alert === alert)?.expr
  const streams = [{ poll: { interval: '1h' } }, { name: 'b', poll: { interval: '30s' } }]
  const [group] = groupsOf({ prometheusRule: { enabled: true }, config: { connector: 'shops', streams } })
  expect(group?.rules.find(({ alert }) => alert === 'PolarisStreamBehind')?.expr).toContain('> 10800')
  expect(limitOf('PolarisStreamBehind')).toContain('> 600')
  expect(limitOf('PolarisNoChange')).toContain('> 86400')
  expect(limitOf('PolarisNoChange', { noChangeFor: '3d' })).toContain('> 259200')
})

test('alerts can be disabled, given labels, and extended', () => {
  const changed = rulesOf({
    disabled: ['PolarisStreamBehind'],
    alertLabels: { team: 'retail' },
    extraRules: [{ record: 'a:b', expr: 'vector(1)' }],
  })
  expect(changed.map(({ alert }) => alert)).not.toContain('PolarisStreamBehind')
  expect(changed[0]).toMatchObject({ labels: { team: 'retail', severity: 'critical' } })
  expect(changed.at(-1)).toEqual({ record: 'a:b', expr: 'vector(1)' })
})

test('alerts link to the runbook whose address is configured, and nowhere if none is', () => {
  const [rule] = rulesOf({ runbookUrl: 'https://wiki.example/polaris' })
  expect(rule?.annotations.runbook_url).toBe('https://wiki.example/polaris#alert-polarisconnectordown')
  for (const { annotations } of rules) expect(annotations).not.toHaveProperty('runbook_url')
})
