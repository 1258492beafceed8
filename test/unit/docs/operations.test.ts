import { expect, test } from 'vitest'
import { exitRows } from '../../../connector/runtime/error-catalogue.ts'
import { counterList, histogramList, scrapedList } from '../../../connector/telemetry/metrics.ts'
import { documentedAcls } from '../../support/documentation/kafka-acls.ts'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

// The tables of the pages are compared with the lists in the code.

const metrics = [...Object.values(counterList), ...Object.values(histogramList), ...scrapedList]

test('docs/security.md lists the eight ACLs of a running stream', () => {
  const names = { connector: '<connector>', stream: '<stream>', topic: 'client.modified' }
  expect(documentedAcls(names)).toHaveLength(8)
})

test('there are at most 26 metrics, and an alert or a panel uses each', () => {
  expect(metrics.length).toBeLessThanOrEqual(26)
  const used = readProjectFile('helm/alerts.yaml') + readProjectFile('helm/dashboard.json')
  for (const { name } of metrics) expect(used).toContain(name)
})

test('every metric named in the documentation exists', () => {
  const names = metrics.map(({ name }) => name)
  for (const page of ['README.md', 'docs/operations.md', 'docs/runbook.md', 'docs/guarantees.md']) {
    for (const [name] of readProjectFile(page).matchAll(/polaris_connector_[a-z_]+[a-z]/g))
      expect(names, page).toContain(name)
  }
})

test('the table of exit codes has the texts of `--help`', () => {
  const rows = exitRows.map(([code, text]) => `| ${code} | ${text} |`)
  expect(readProjectFile('docs/operations.md')).toContain(`\n${rows.join('\n')}\n`)
})
