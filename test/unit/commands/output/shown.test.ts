import { expect, test } from 'vitest'
import { shownLines } from '../../../../connector/commands/output/shown.ts'
import { rawJson } from '../../../../connector/runtime/parsed-json.ts'
import { plain } from '../../../support/screens.ts'

const shown = (value: unknown) => shownLines(value, plain)

test('prints a section as its names and values, without what is undefined', () => {
  expect(
    shown({ stream: 'lyon', agree: false, owner: null, code: undefined, clients: { source: 3, gone: 0 } }),
  ).toEqual([...['stream: lyon', 'agree: false', 'owner: –'], ...['', 'clients', '  source: 3', '  gone: 0']])
})

test('prints the items of a list one a line, and nothing of an empty one', () => {
  expect(shown(['4711', '4712'])).toEqual(['4711', '4712'])
  expect(shown([])).toEqual([])
  expect(shown({ records: [], lists: ['Cartes'] })).toEqual(['records: none', '', 'lists', '  Cartes'])
})

test('prints a list of flat objects as a table, with long texts below their row', () => {
  const hint = 'add the ACL WRITE on topic client.modified for the user of the connector, or use another topic'
  expect(
    shown([
      { check: 'kafka', verdict: 'ok', detail: '3 brokers' },
      { check: 'topic', verdict: 'failed', detail: 'no ACL', hint },
    ]),
  ).toEqual(['CHECK  VERDICT  DETAIL', 'kafka  ok       3 brokers', 'topic  failed   no ACL', `    hint: ${hint}`])
})

test('prints nested objects of a list apart from each other, and numbers with the digits of the source', () => {
  const record = (total: string) => ({ key: 'k', value: { total: rawJson(total) } })
  expect(shown([record('1.0'), record('12345678901234567890')])).toEqual([
    ...['key: k', '', 'value', '  total: 1.0', ''],
    ...['key: k', '', 'value', '  total: 12345678901234567890'],
  ])
})

test('invariant 8: shows control characters of a server, and begins no line with its text', () => {
  expect(shown([{ 'a\nb': 'c\u001b[31m\u202e' }])).toEqual(['A\\U000AB', 'c\\u001b[31m\\u202e'])
  expect(shown({ 'a\nlevel=error': 'x\ny' })).toEqual(['a\\u000alevel=error: x\\u000ay'])
})

test('paints verdicts', () => {
  const paint = (colour: string, text: string) => `<${colour}>${text}`
  expect(shownLines([{ verdict: 'failed' }], paint)).toEqual(['<bold>VERDICT', '<red>failed'])
})
