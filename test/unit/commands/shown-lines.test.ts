import { expect, test } from 'vitest'
import { printableText, progressOn, shownLines } from '../../../connector/commands/shown-lines.ts'
import { rawJson } from '../../../connector/runtime/parsed-json.ts'

test('prints a section as its names and values, without what is undefined', () => {
  expect(
    shownLines({ stream: 'lyon', agree: false, owner: null, code: undefined, clients: { source: 3, gone: 0 } }),
  ).toEqual(['stream: lyon', 'agree: false', 'owner: –', '', 'clients', '  source: 3', '  gone: 0'])
})

test('prints the items of a list one a line, and nothing of an empty one', () => {
  expect(shownLines(['4711', '4712'])).toEqual(['4711', '4712'])
  expect(shownLines([])).toEqual([])
  expect(shownLines({ records: [], lists: ['Cartes'] })).toEqual(['records: none', '', 'lists', '  Cartes'])
})

test('prints a list of flat objects as a table, with long texts below their row', () => {
  const hint = 'add the ACL WRITE on topic client.modified for the user of the connector, or use another topic'
  expect(
    shownLines([
      { check: 'kafka', verdict: 'ok', detail: '3 brokers' },
      { check: 'topic', verdict: 'failed', detail: 'no ACL', hint },
    ]),
  ).toEqual(['CHECK  VERDICT  DETAIL', 'kafka  ok       3 brokers', 'topic  failed   no ACL', `    hint: ${hint}`])
})

test('prints nested objects of a list apart from each other, and numbers with the digits of the source', () => {
  const record = (total: string) => ({ key: 'k', value: { total: rawJson(total) } })
  expect(shownLines([record('1.0'), record('12345678901234567890')])).toEqual([
    'key: k',
    '',
    'value',
    '  total: 1.0',
    '',
    'key: k',
    '',
    'value',
    '  total: 12345678901234567890',
  ])
})

test('invariant 8: shows control characters of a server, and begins no line with its text', () => {
  expect(shownLines([{ 'a\nb': 'c\u001b[31m\u202e' }])).toEqual(['A\\U000AB', 'c\\u001b[31m\\u202e'])
  expect(shownLines({ 'a\nlevel=error': 'x\ny' })).toEqual(['a\\u000alevel=error: x\\u000ay'])
})

test.each([
  ['ESC and BEL', 'a\u001b]0;pwned\u0007b', 'a\\u001b]0;pwned\\u0007b'],
  ['a colour', '\u001b[31mred\u001b[39m', '\\u001b[31mred\\u001b[39m'],
  ['C1', '\u009b31m', '\\u009b31m'],
  ['DEL, CR and NUL', '\u007f\r\0', '\\u007f\\u000d\\u0000'],
  ['text turned around', 'a\u202eb\u{e0041}', 'a\\u202eb\\udb40\\udc41'],
  ['line feeds, tabs and letters', 'é\n\tœ 😀\u202f!', 'é\n\tœ 😀\u202f!'],
])('shows control characters of a server, which a terminal would obey: %s', (_, text, shown) => {
  expect(printableText(text)).toBe(shown)
})

test('keeps JSON as it is', () => {
  const value = { 'Nom\u001b': 'a\u009b\u202e\u{e0041}' }
  expect(JSON.parse(printableText(JSON.stringify(value)))).toEqual(value)
})

test('shows on a terminal what is done, until it is disposed, and nothing elsewhere', () => {
  const written = (isTTY: boolean) => {
    const lines: string[] = []
    const write = (line: string | Uint8Array) => lines.push(String(line)) > 0
    progressOn({ isTTY, write }, 'reading \u001b')[Symbol.dispose]()
    return lines
  }
  expect(written(true)).toEqual(['\rreading \\u001b (0 s)\u001b[K', '\r\u001b[K'])
  expect(written(false)).toEqual([])
})
