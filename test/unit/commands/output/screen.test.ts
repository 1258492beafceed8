import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { screenOf } from '../../../../connector/commands/output/screen.ts'
import { table } from '../../../../connector/commands/output/text-table.ts'
import { wrappedText } from '../../../../connector/commands/output/wrapped-text.ts'

const module = fileURLToPath(new URL('../../../../connector/commands/output/screen.ts', import.meta.url))

/** What a process with this environment paints red. `script`: how its standard output looks. */
function painted(environment: Record<string, string>, { isTTY }: { isTTY: boolean }): string {
  const script = `
    import { WriteStream } from 'node:tty'
    import { screenOf } from '${module}'
    const { getColorDepth } = WriteStream.prototype
    Object.assign(process.stdout, ${isTTY} ? { isTTY: true, getColorDepth } : {})
    process.stdout.write(JSON.stringify(screenOf(process.stdout).paint('red', 'x')))`
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
  expect(painted(environment, { isTTY })).toBe(isPainted ? '\u001b[31mx\u001b[39m' : 'x')
})

test.each([
  [{ isTTY: true, columns: 80 }, 80],
  [{ isTTY: true, columns: 400 }, 120],
  [{ isTTY: true, columns: 0 }, 120],
  [{ isTTY: true, columns: 20 }, 60],
  [{}, Number.POSITIVE_INFINITY],
])('%j has lines of at most %d characters', (stream, width) => {
  expect(screenOf(stream as NodeJS.WriteStream).width).toBe(width)
})

test('wraps a text at its spaces and breaks no word', () => {
  expect(wrappedText('one two three four', 9)).toEqual(['one two', 'three', 'four'])
  expect(wrappedText('a-very-long-word b', 4)).toEqual(['a-very-long-word', 'b'])
  expect(wrappedText('one two', Number.POSITIVE_INFINITY)).toEqual(['one two'])
})

test('aligns the columns of a table, also with coloured cells', () => {
  const red = '\u001b[31mab\u001b[39m'
  expect(
    table([
      ['A', 'B'],
      [red, 'c'],
      ['abc', ''],
    ]),
  ).toEqual(['A    B', `${red}   c`, 'abc'])
})
