import { expect, test } from 'vitest'
import { noRequests } from '../../../connector/control/control-document.ts'
import { logLevelsIn, withLogLevel } from '../../../connector/control/stream-reports.ts'
import { leveledLog } from '../../../connector/telemetry/log-levels.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'

const MINUTE = 60_000

test('an operator changes the log level of one stream until its time is over, and the lines say so', () => {
  const clock = virtualClock(0)
  const written: string[] = []
  const { log, requested } = leveledLog((level, message, { stream }) => written.push(`${level} ${message} ${stream}`), {
    ...{ level: 'info', clock },
  })
  const write = () => {
    written.length = 0
    for (const stream of ['paris', 'lyon']) log('debug', 'page', { stream })
    log('debug', 'group', {})
    log('warn', 'trouble', { stream: 'lyon' })
    return [...written]
  }
  const document = withLogLevel(noRequests, 'paris', { level: 'debug', until: 30 * MINUTE })
  expect(write()).toEqual(['warn trouble lyon'])
  expect(requested(logLevelsIn(document.streams))).toMatchObject([
    { level: 'info', fields: { stream: 'paris', level: 'debug', until: '1970-01-01T00:30:00.000Z' } },
  ])
  expect(requested(logLevelsIn(document.streams))).toEqual([])
  expect(write()).toEqual(['debug page paris', 'warn trouble lyon'])

  clock.pass(30 * MINUTE)
  expect(write()).toEqual(['warn trouble lyon'])
  expect(requested(logLevelsIn(document.streams))).toMatchObject([{ fields: { stream: 'paris', level: 'info' } }])
})

test('a request to end it restores the configured level, and leaves other reports on the stream alone', () => {
  const audit = { at: 0, differences: 0 }
  const audited = { ...noRequests, streams: { paris: { audit } } }
  const document = withLogLevel(audited, 'paris', { level: 'trace', until: MINUTE })
  expect(document.streams).toEqual({ paris: { audit, log: { level: 'trace', until: MINUTE } } })
  expect(withLogLevel(document, 'paris', undefined)).toEqual(audited)
})

test('a level above the configured one makes a noisy stream quiet', () => {
  const written: string[] = []
  const { log, requested } = leveledLog((level) => written.push(level), { level: 'info', clock: virtualClock(0) })
  requested(new Map([['paris', { level: 'warn' as const, until: MINUTE }]]))
  for (const level of ['info', 'warn'] as const) log(level, 'line', { stream: 'paris' })
  expect(written).toEqual(['warn'])
})
