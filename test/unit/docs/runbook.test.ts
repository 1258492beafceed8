import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { markdownFile, readProjectFile } from '../../support/documentation/markdown-file.ts'

// The sections of the runbook are compared with the error catalogue and the alerts.

const { text, anchors } = markdownFile('docs/runbook.md')

/** The runbook's sections by the code in their heading. */
const sections = new Map(
  [...text.matchAll(/<a id="([^"]+)"><\/a>\n#### `([^`]+)`\n([\s\S]*?)(?=\n<a id|\n### |$)/g)].map(
    ([, anchor = '', code = '', body = '']) => [code, { anchor, body }] as const,
  ),
)

test.each([...sections])('%s is an error code, has its anchor, and says what to do', (code, { anchor, body }) => {
  expect(Object.keys(errorCatalogue)).toContain(code)
  expect(anchor).toBe(code.replaceAll('.', '-'))
  expect(body).toContain('- *Do:* ')
})

test('hints name the sections that exist, and no others', () => {
  const withSection = Object.entries(errorCatalogue).flatMap(([code, { hasRunbook }]) => (hasRunbook ? [code] : []))
  expect([...sections.keys()].toSorted()).toEqual(withSection.toSorted())
})

test('every hold over the checkpoint has a section', () => {
  const held = Object.entries(errorCatalogue).filter(
    ([code, { then }]) => code.startsWith('checkpoint.') && then === 'hold',
  )
  expect([...sections.keys()]).toEqual(expect.arrayContaining(held.map(([code]) => code)))
})

test.each([...sections])('the runbook begins again for %s if its hint does so', (code, { body }) => {
  const { hint } = errorCatalogue[code as keyof typeof errorCatalogue]
  const beginsAgain = hint.includes('checkpoint rewind STREAM --to beginning --republish --yes')
  expect(body.replaceAll(/\s+/g, ' ').includes('[begin again](#begin-again)')).toBe(beginsAgain)
})

test('the runbook has a section for every alert, and no others', () => {
  const { alerts } = parse(readProjectFile('helm/alerts.yaml')) as { alerts: { alert: string }[] }
  const wanted = alerts.map(({ alert }) => `alert-${alert.toLowerCase()}`)
  expect(anchors.filter((anchor) => anchor.startsWith('alert-')).toSorted()).toEqual(wanted.toSorted())
  for (const section of text.split(/^### Alert /m).slice(1)) expect(section.split(/^## /m)[0]).toContain('\n- *Do:* ')
})
