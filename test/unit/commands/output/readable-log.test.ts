import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { logOutput, readableLog } from '../../../../connector/commands/output/readable-log.ts'
import { type Log, logger } from '../../../../connector/telemetry/logger.ts'
import { plainScreen, screen } from '../../../support/screens.ts'

const identity = { connector: 'shops', replica: 'r-1', version: '1.2.3' }

/** Lines without time; `log` writes the second one. */
function logged(log: (log: Log) => void, on = screen({ width: 120 })): string[] {
  const written: string[] = []
  const out = readableLog({ write: (text) => written.push(text) }, on)
  const write = logger({ ...identity, level: 'info', out })
  write('info', 'connector started', { port: 8080 })
  log(write)
  return written.flatMap((text) =>
    text
      .replaceAll(/^\S+Z /gm, '')
      .trimEnd()
      .split('\n'),
  )
}

test('shows time, level, message and fields, and the replica in the first line only', () => {
  const lines = logged((log) =>
    log('info', 'stream claimed', { stream: 'paris', epoch: 3, scans: ['live', 'full'], lost: [] }),
  )
  expect(lines).toEqual([
    'INFO   connector started  port=8080 connector=shops replica=r-1 version=1.2.3',
    'INFO   stream claimed  stream=paris epoch=3 scans=live,full',
  ])
})

test('begins each line with its time in ISO 8601 with offset', () => {
  const written: string[] = []
  const out = readableLog({ write: (text) => written.push(text) }, plainScreen)
  logger({ ...identity, level: 'info', out })('warn', 'x', {})
  expect(written[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARN {3}x {2}connector=/)
})

test('shows sentences below the message, each cause on its own line', () => {
  const fields = { code: 'source.unauthorized', error: 'log in: refused', causes: ['Error status 401', 'Error EPIPE'] }
  expect(logged((log) => log('error', 'stream held', fields)).slice(1)).toEqual([
    'ERROR  stream held  code=source.unauthorized',
    '    error: log in: refused',
    '    causes: Error status 401',
    '    causes: Error EPIPE',
  ])
})

test('wraps at the width of the terminal', () => {
  const fields = { ...Object.fromEntries('abcdefghij'.split('').map((name) => [name, name.repeat(9)])) }
  const hint = 'look at the server, then at the network, '.repeat(4).trim()
  const lines = logged((log) => log('warn', 'x', { ...fields, hint }), screen({ width: 80 })).slice(1)
  expect(lines.length).toBeGreaterThan(4)
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80)
  expect(lines.filter((line) => line.startsWith('    ')).length).toBe(lines.length - 1)
})

test('colours the level, and no text of a field can control the terminal', () => {
  const [, line = ''] = logged(
    (log) => log('error', 'x', { stream: 'a\u001b[2J\u009b1m\nb' }),
    screen({ isColoured: true }),
  )
  expect(line).toContain('\u001b[31mERROR')
  expect(stripVTControlCharacters(line)).toMatch(/^\S+Z ERROR/)
  expect(stripVTControlCharacters(line).slice(25)).toBe('ERROR  x  stream=a\\u001b[2J\\u009b1m\\u000ab')
})

test.each([
  ['auto', true, 'text'],
  ['auto', false, 'json'],
  ['text', false, 'text'],
  ['json', true, 'json'],
] as const)('with the format %s on a terminal (%s), the log is %s', (format, isTTY, written) => {
  const lines: string[] = []
  const write = (text: string) => lines.push(text)
  const out = Object.assign(new Writable(), { isTTY, columns: 80, write }) as unknown as NodeJS.WriteStream
  logger({ ...identity, level: 'info', out: logOutput(format, out) })('info', 'x', {})
  expect(lines.join('').startsWith('{') ? 'json' : 'text').toBe(written)
})
