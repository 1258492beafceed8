import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { counterList, gaugeList, histogramList, scrapedList } from '../../../connector/telemetry/metric-list.ts'
import { documentedAcls } from '../../support/kafka-acls.ts'
import { markdownFile, readProjectFile } from '../../support/markdown-file.ts'

const { text, anchors } = markdownFile('docs/operations.md')

/** The runbook's sections by the code in their heading. */
const sections = new Map(
  [...text.matchAll(/<a id="([^"]+)"><\/a>\n#### `([^`]+)`\n([\s\S]*?)(?=\n<a id|\n### |$)/g)].map(
    ([, anchor = '', code = '', body = '']) => [code, { anchor, body }] as const,
  ),
)

test('the runbook has a section for every error code, and for nothing else', () => {
  expect([...sections.keys()].toSorted()).toEqual(Object.keys(errorCatalogue).toSorted())
})

test.each([...sections])('%s: what is safe, what to do, when it is over, at its anchor', (code, { anchor, body }) => {
  expect(anchor).toBe(code.replaceAll('.', '-'))
  for (const part of ['*Safe:*', '*Do:*', '*Over:*']) expect(body).toContain(part)
})

test('the runbook has a section for every alert, and for nothing else', () => {
  const { alerts } = parse(readProjectFile('helm/alerts.yaml')) as { alerts: { alert: string }[] }
  const wanted = alerts.map(({ alert }) => `alert-${alert.toLowerCase()}`)
  expect([...anchors].filter((anchor) => anchor.startsWith('alert-')).toSorted()).toEqual(wanted.toSorted())
  for (const section of text.split(/^### Alert /m).slice(1)) {
    for (const part of ['*Safe:*', '*Do:*', '*Over:*']) expect(section.split(/^## /m)[0]).toContain(part)
  }
})

test('the README asks for the same ACLs as the page on security', () => {
  const names = { connector: '<connector>', stream: '<stream>', topic: 'client.modified' }
  expect(documentedAcls(names, 'README.md')).toEqual(documentedAcls(names, 'docs/security.md'))
  expect(documentedAcls(names)).toHaveLength(7)
})

test('every metric is under a question, and none that there is not', () => {
  const names = [counterList, gaugeList, histogramList, scrapedList]
    .flatMap((list) => Object.values(list))
    .map(({ name }) => name.replace('polaris_connector_', ''))
  const table = text.slice(text.indexOf('| question | metric |'), text.indexOf('## Alerts'))
  const told = [...table.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name)
  expect(told.toSorted()).toEqual(names.toSorted())
})

test('every metric that the pages name exists', () => {
  const names = Object.values({ ...counterList, ...gaugeList, ...histogramList, ...scrapedList }).map(
    ({ name }) => name,
  )
  for (const page of ['README.md', 'docs/operations.md', 'docs/faq.md', 'docs/guarantees.md']) {
    for (const [name] of readProjectFile(page).matchAll(/polaris_connector_[a-z_]+[a-z]/g))
      expect(names, page).toContain(name)
  }
})
