import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { markdownFile, readProjectFile } from '../../support/documentation/markdown-file.ts'

const { text, anchors } = markdownFile('docs/runbook.md')

/** The runbook's sections by the code in their heading. */
const sections = new Map(
  [...text.matchAll(/<a id="([^"]+)"><\/a>\n#### `([^`]+)`\n([\s\S]*?)(?=\n<a id|\n### |$)/g)].map(
    ([, anchor = '', code = '', body = '']) => [code, { anchor, body }] as const,
  ),
)

test('the runbook has a section for every error code, and no others', () => {
  expect([...sections.keys()].toSorted()).toEqual(Object.keys(errorCatalogue).toSorted())
})

test.each([...sections])('%s has its anchor, and says what to do', (code, { anchor, body }) => {
  expect(anchor).toBe(code.replaceAll('.', '-'))
  expect(body).toContain('\n- *Do:* ')
})

test('the alerts, and each group of error codes, say what is safe', () => {
  const [alerts = '', codes = ''] = text.split(/^## Error codes$/m)
  const groups = codes.split(/^### /m).slice(1)
  expect(groups.length).toBeGreaterThanOrEqual(5)
  for (const group of [alerts, ...groups]) expect(group).toContain('\n*Safe:* ')
})

test.each(Object.keys(errorCatalogue) as (keyof typeof errorCatalogue)[])(
  'the runbook begins again for %s if its hint does so',
  (code) => {
    const beginsAgain = errorCatalogue[code].hint.includes('checkpoint rewind STREAM --to beginning --republish --yes')
    expect(sections.get(code)?.body.replaceAll(/\s+/g, ' ').includes('[begin again](#begin-again)')).toBe(beginsAgain)
  },
)

test('the runbook has a section for every alert, and no others', () => {
  const { alerts } = parse(readProjectFile('helm/alerts.yaml')) as { alerts: { alert: string }[] }
  const wanted = alerts.map(({ alert }) => `alert-${alert.toLowerCase()}`)
  expect(anchors.filter((anchor) => anchor.startsWith('alert-')).toSorted()).toEqual(wanted.toSorted())
  for (const section of text.split(/^### Alert /m).slice(1)) expect(section.split(/^## /m)[0]).toContain('\n- *Do:* ')
})
