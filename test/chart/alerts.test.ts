import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { manifests, only, promtool, someValues } from '../support/helm.ts'
import { alertCases, type Series } from './alert-cases.ts'
import { exportedSeries, unanswered } from './exported-series.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url?: string }
}

const folder = mkdtempSync(join(tmpdir(), 'alerts-'))
afterAll(() => rmSync(folder, { recursive: true }))

const groupsOf = (values: object) =>
  only(manifests('4', someValues(values)), 'PrometheusRule').spec.groups as { name: string; rules: Rule[] }[]
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

describe.each(alertCases)('$alert', ({ alert, fires, silent }) => {
  const severity = rules.find((rule) => rule.alert === alert)?.labels.severity ?? ''
  const own = { connector: 'shops', namespace: 'retail' }

  test('fires with the right labels and summary', () => {
    const expected = { exp_labels: { ...own, severity, ...fires.labels }, exp_annotations: { summary: fires.summary } }
    expect(run(alert, { ...fires, own, expected: [expected] })).toContain('SUCCESS')
  })

  test.each(Object.entries(silent))('does not fire for %s', (_, { series, at }) => {
    expect(run(alert, { series, at, own, expected: [] })).toContain('SUCCESS')
  })

  if (fires.series.length > 0)
    test('does not fire for another release', () => {
      const elsewhere = { connector: 'shops', namespace: 'wholesale' }
      expect(run(alert, { ...fires, own: elsewhere, expected: [] })).toContain('SUCCESS')
    })
})

interface Run {
  readonly series: readonly Series[]
  readonly at: string
  readonly own: object
  readonly expected: readonly object[]
}

/** promtool compares all annotations or none, so this keeps only the summary. */
function run(alert: string, { series, at, own, expected }: Run): string {
  const summaries = rules.map(({ annotations: { summary }, ...rule }) => ({ ...rule, annotations: { summary } }))
  file('rules.json', { groups: [{ name: 'connector', rules: summaries }] })
  const path = file('test.json', {
    rule_files: ['rules.json'],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: series.map(({ metric, labels, values }) => ({
          series: seriesName(metric, { ...own, ...labels }),
          values,
        })),
        alert_rule_test: [{ alertname: alert, eval_time: at, exp_alerts: expected }],
      },
    ],
  })
  return promtool('test', 'rules', path)
}

const seriesName = (metric: string, labels: object) =>
  `polaris_connector_${metric}{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`

test('alerts use only series and labels that a replica exports', async () => {
  const exported = await exportedSeries()
  for (const { alert, expr } of rules) expect(unanswered(expr, exported), alert).toEqual([])
  const misspelled =
    'sum by (code) (polaris_connector_page_total{}) + sum by (code) (polaris_connector_pages_total{a="b"})'
  expect(unanswered(misspelled, exported)).toEqual([
    'polaris_connector_page_total{}',
    'polaris_connector_pages_total{a="b"}',
  ])
  expect(unanswered('sum by (code) (polaris_connector_pages_total{})', exported)).toEqual([
    'polaris_connector_pages_total{}',
  ])
})

test('limits follow the longest poll interval in the configuration', () => {
  const streams = [{ poll: { interval: '1h' } }, { name: 'b', poll: { interval: '30s' } }]
  const config = { connector: 'shops', streams }
  const [group] = groupsOf({ prometheusRule: { enabled: true }, config })
  expect(group?.rules.find(({ alert }) => alert === 'PolarisStreamBehind')?.expr).toContain('> 10800')
  expect(rules.find(({ alert }) => alert === 'PolarisStreamBehind')?.expr).toContain('> 600')
})

test('the time without a change is a value of the chart', () => {
  const limitOf = (of: readonly Rule[]) => of.find(({ alert }) => alert === 'PolarisNoChange')?.expr
  expect(limitOf(rules)).toContain('> 86400')
  expect(limitOf(rulesOf({ noChangeFor: '3d' }))).toContain('> 259200')
})

describe('alerts can be', () => {
  test('disabled, given labels, and extended', () => {
    const changed = rulesOf({
      disabled: ['PolarisStreamBehind'],
      alertLabels: { team: 'retail' },
      extraRules: [{ record: 'a:b', expr: 'vector(1)' }],
    })
    expect(changed.map(({ alert }) => alert)).not.toContain('PolarisStreamBehind')
    expect(changed[0]).toMatchObject({
      labels: { team: 'retail', severity: 'critical' },
    })
    expect(changed.at(-1)).toEqual({ record: 'a:b', expr: 'vector(1)' })
  })
})

test('alerts link to the runbook whose address is configured, and nowhere if none is', () => {
  const [rule] = rulesOf({ runbookUrl: 'https://wiki.example/polaris' })
  expect(rule?.annotations.runbook_url).toBe('https://wiki.example/polaris#alert-polarisconnectordown')
  for (const { annotations } of rules) expect(annotations).not.toHaveProperty('runbook_url')
})
