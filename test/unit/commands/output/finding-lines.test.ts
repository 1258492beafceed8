import { expect, test } from 'vitest'
import { findingLines } from '../../../../connector/commands/output/finding-lines.ts'
import {
  type CheckResult,
  type Finding,
  failed,
  ok,
  skipped,
  warning,
} from '../../../../connector/inspect/doctor/finding.ts'
import { plainScreen, screen } from '../../../support/screens.ts'

const of = (stream: string | null, check: string, result: CheckResult): Finding => ({ stream, check, ...result })
const findings = [
  of(null, 'kafka', ok('there')),
  of('paris', 'polaris', failed('source.stuck', 'read page', 'report it')),
  of('lyon', 'time zone', warning('an hour off', 'check POLARIS_TIME_ZONE')),
]

test('prints one line per check without a terminal, per stream, with code and hint, and the names of what failed', () => {
  expect(findingLines(findings, plainScreen)).toEqual([
    'ok       kafka      there',
    '',
    'stream paris',
    'failed   polaris    source.stuck: read page → report it',
    '',
    'stream lyon',
    'warning  time zone  an hour off → check POLARIS_TIME_ZONE',
    '',
    'failed: polaris of paris',
    '1 failed, 1 warning, 0 skipped, 1 ok',
  ])
})

test('does not name the failures at the end when no check has passed', () => {
  const failures = [of(null, 'configuration', failed('config.invalid', 'x', 'y')), of(null, 'rest', skipped('z'))]
  expect(findingLines(failures, plainScreen)).toEqual([
    'failed   configuration  config.invalid: x → y',
    'skipped  rest           z',
    '',
    '1 failed, 0 warnings, 1 skipped, 0 ok',
  ])
})

test('prints a failure that several streams share once in full, names all at the end, and counts each check', () => {
  const down = failed('source.unreachable', 'call http://one: connection refused', 'check it')
  const elsewhere = failed('source.unreachable', 'call http://two: connection refused', 'check it')
  const shown = [
    of(null, 'kafka', ok('there')),
    ...['paris', 'lyon', 'nice'].map((stream) => of(stream, 'polaris', down)),
    of('metz', 'polaris', elsewhere),
  ]
  expect(findingLines(shown, plainScreen)).toEqual([
    'ok       kafka    there',
    '',
    'stream paris',
    'failed   polaris  source.unreachable: call http://one: connection refused → check it',
    '',
    'stream lyon',
    'failed   polaris  source.unreachable: as for stream paris',
    '',
    'stream nice',
    'failed   polaris  source.unreachable: as for stream paris',
    '',
    'stream metz',
    'failed   polaris  source.unreachable: call http://two: connection refused → check it',
    '',
    'failed: polaris of paris, lyon, nice; polaris of metz',
    '4 failed, 0 warnings, 0 skipped, 1 ok',
  ])
})

test('wraps at the width of the terminal, below the detail, and begins the hint on a line of its own', () => {
  const hint = 'check the network, the address and the certificate of the server'
  const lines = findingLines(
    [of(null, 'kafka', failed('publish.unreachable', 'describe', hint))],
    screen({ width: 60 }),
  )
  expect(lines.slice(0, 3)).toEqual([
    'failed   kafka  publish.unreachable: describe',
    '                → check the network, the address and the',
    '                certificate of the server',
  ])
})

test('colours the verdicts on a terminal', () => {
  const text = findingLines(findings, screen({ isColoured: true })).join('\n')
  for (const shown of [
    '\u001b[32mok',
    '\u001b[33mwarning',
    '\u001b[31mfailed',
    '\u001b[31m1 failed',
    '\u001b[1mstream',
  ])
    expect(text).toContain(shown)
})
