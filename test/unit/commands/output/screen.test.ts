import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { printable } from '../../../../connector/commands/output/screen.ts'

const module = fileURLToPath(new URL('../../../../connector/commands/output/screen.ts', import.meta.url))

/** What a process with this environment prints in red, and what is left of it without colours. */
function painted(environment: Record<string, string>, { isTTY }: { isTTY: boolean }): [string, string] {
  const script = `
    import { WriteStream } from 'node:tty'
    import { stripVTControlCharacters } from 'node:util'
    import { painting } from '${module}'
    const { getColorDepth } = WriteStream.prototype
    Object.assign(process.stdout, ${isTTY} ? { isTTY: true, getColorDepth } : {})
    const red = painting(process.stdout)('red', 'x')
    process.stdout.write(JSON.stringify([red, stripVTControlCharacters(red)]))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env: environment })
  return JSON.parse(stdout.toString())
}

test.each([
  ['a terminal', { TERM: 'xterm-256color' }, true, true],
  ['a terminal with NO_COLOR', { TERM: 'xterm-256color', NO_COLOR: '1' }, true, false],
  ['a terminal with TERM=dumb', { TERM: 'dumb' }, true, false],
  ['a pipe', { TERM: 'xterm-256color' }, false, false],
  ['a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
] as const)('paints on %s: %j', (_what, environment, isTTY, isPainted) => {
  expect(painted(environment, { isTTY })).toEqual([isPainted ? '\u001b[31mx\u001b[39m' : 'x', 'x'])
})

test.each([
  ['ESC and BEL', 'a\u001b]0;pwned\u0007b', 'a\\u001b]0;pwned\\u0007b'],
  ['a colour', '\u001b[31mred\u001b[39m', '\\u001b[31mred\\u001b[39m'],
  ['C1', '\u009b31m', '\\u009b31m'],
  ['DEL, CR and NUL', '\u007f\r\0', '\\u007f\\u000d\\u0000'],
  ['text turned around', 'a\u202eb\u{e0041}', 'a\\u202eb\\udb40\\udc41'],
  ['line feeds, tabs and letters', 'é\n\tœ 😀\u202f!', 'é\n\tœ 😀\u202f!'],
])('shows control characters of a server, which a terminal would obey: %s', (_, text, shown) => {
  expect(printable(text)).toBe(shown)
})

test('keeps JSON as it is', () => {
  const value = { 'Nom\u001b': 'a\u009b\u202e\u{e0041}' }
  expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value)
})
