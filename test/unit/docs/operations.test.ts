import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { counterList, gaugeList, histogramList, scrapedList } from '../../../connector/telemetry/metrics/metric-list.ts'
import { documentedAcls } from '../../support/kafka-acls.ts'
import { markdownFile, readProjectFile } from '../../support/markdown-file.ts'

const { text, anchors } = markdownFile('docs/operations.md')

/** The runbook's sections by the code in their heading. */
const sections = new Map(
  [...text.matchAll(/<a id="([^"]+)"><\/a>\n#### `([^`]+)`\n([\s\S]*?)(?=\n<a id|\n### |$)/g)].map(
    ([, anchor = '', code = '', body = '']) => [code, { anchor, body }] as const,
  ),
)

test('the runbook has a section for every error code, and no others', () => {
  expect([...sections.keys()].toSorted()).toEqual(Object.keys(errorCatalogue).toSorted())
})

test.each([...sections])(
  '%s has its anchor, and says what is safe, what to do and when it is over',
  (code, section) => {
    const { anchor, body } = section
    expect(anchor).toBe(code.replaceAll('.', '-'))
    for (const part of ['*Safe:*', '*Do:*', '*Over:*']) expect(body).toContain(part)
  },
)

test.each(['checkpoint.missing', 'checkpoint.damaged', 'checkpoint.rolled-back'] as const)(
  'the hint of %s names the commands of the new beginning that the runbook asks for',
  (code) => {
    expect(sections.get(code)?.body).toContain('set a new beginning')
    const { hint } = errorCatalogue[code]
    expect(hint).toMatch(/`checkpoint reset`.*`checkpoint rebuild-index`/)
  },
)

test('the runbook has a section for every alert, and no others', () => {
  const { alerts } = parse(readProjectFile('helm/alerts.yaml')) as { alerts: { alert: string }[] }
  const wanted = alerts.map(({ alert }) => `alert-${alert.toLowerCase()}`)
  expect(anchors.filter((anchor) => anchor.startsWith('alert-')).toSorted()).toEqual(wanted.toSorted())
  for (const section of text.split(/^### Alert /m).slice(1)) {
    for (const part of ['*Safe:*', '*Do:*', '*Over:*']) expect(section.split(/^## /m)[0]).toContain(part)
  }
})

test('docs/security.md lists the eight ACLs of a running stream', () => {
  const names = { connector: '<connector>', stream: '<stream>', topic: 'client.modified' }
  expect(documentedAcls(names)).toHaveLength(8)
})

test('the table of questions names every metric, and no others', () => {
  const names = [counterList, gaugeList, histogramList, scrapedList]
    .flatMap((list) => Object.values(list))
    .map(({ name }) => name.replace('polaris_connector_', ''))
  const table = text.slice(text.indexOf('| question | metric |'), text.indexOf('## Alerts'))
  const listed = [...table.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name)
  expect(listed.toSorted()).toEqual(names.toSorted())
})

test('every metric named in the documentation exists', () => {
  const names = Object.values({ ...counterList, ...gaugeList, ...histogramList, ...scrapedList }).map(
    ({ name }) => name,
  )
  for (const page of ['README.md', 'docs/operations.md', 'docs/faq.md', 'docs/guarantees.md']) {
    for (const [name] of readProjectFile(page).matchAll(/polaris_connector_[a-z_]+[a-z]/g))
      expect(names, page).toContain(name)
  }
})
