import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { Lane } from '../../../connector/scan/scan-state.ts'
import { logLineOf, logObserver } from '../../../connector/telemetry/events/event-observers.ts'
import type { Log } from '../../../connector/telemetry/logger.ts'
import { everyPipelineEvent } from '../../support/every-pipeline-event.ts'
import { entered, failed } from '../../support/stream-states.ts'

// Each event becomes a line, whose level, message and fields are compared.

const cause = Object.assign(new Error('Dupont'), { code: 'ECONNRESET' })
const error = new ConnectorError('checkpoint.damaged', 'checkpoint of shop: no JSON', { cause })
const linesAt = (level: string) =>
  everyPipelineEvent(error)
    .filter((event) => logLineOf('shop', event)?.level === level)
    .map((event) => event.kind)

test('logs state changes at info: claim, take-over, resuming, end, recovery, caught up, fell behind, the end of a history and of a back-off, what the next attempt may cure', () => {
  expect(linesAt('info')).toEqual([
    'stream-state',
    'stream-claimed',
    'taken-over',
    'field-detected',
    'read-recovered',
    'caught-up',
    'fell-behind',
    'scan-recovered',
    'history-done',
    'stream-state',
    'stream-state',
  ])
})

test.each([
  ['waiting', 'running', 'stream released: assigned to another replica'],
  ['opening', 'paused', 'pause ended'],
  ['running', 'held', 'stream resumes'],
  ['running', 'retrying', 'stream resumes'],
  ['ended', 'running', 'stream ended'],
] as const)('logs at info that a stream is %s after %s', (state, was, message) => {
  expect(logLineOf('shop', entered(state, was))).toMatchObject({ level: 'info', message })
})

test('logs at error only when a stream is held or a command gives up, with code, message, hint and causes', () => {
  expect(linesAt('error')).toEqual(['stream-state', 'stream-state'])
  expect(logLineOf('shop', failed('held', error))).toEqual({
    level: 'error',
    message: 'stream held, trying again slowly',
    fields: {
      stream: 'shop',
      code: 'checkpoint.damaged',
      error: 'checkpoint.damaged: checkpoint of shop: no JSON',
      hint: expect.stringContaining('checkpoint rewind'),
      causes: ['Error ECONNRESET'],
      pauseMs: 60_000,
      times: 1,
    },
  })
})

test('says what `run` does meanwhile, except when a command gives up', () => {
  const unreachable = new ConnectorError('publish.failed', 'send')
  const hintOf = (event: PipelineEvent) => logLineOf('shop', event)?.fields.hint
  expect(hintOf(failed('retrying', unreachable))).toMatch(
    /^check KAFKA_BROKERS.*; `run` retries indefinitely; runbook: section `publish.failed`$/,
  )
  expect(hintOf(failed('ended', unreachable))).toMatch(/^check KAFKA_BROKERS(?!.*`run`)/)
})

test('logs at debug when a stream is still held, or fails again for the same reason', () => {
  const level = (...failure: Parameters<typeof failed>) => logLineOf('shop', failed(...failure))?.level
  for (const state of ['held', 'paused'] as const) expect(level(state, error, { isRepeated: true })).toBe('debug')
  const levels = [1, 2, 3].map((times) => level('retrying', error, { times, isRepeated: times > 1 }))
  expect(levels).toEqual(['info', 'warn', 'debug'])
  expect(level('retrying', error, { times: 3 })).toBe('warn')
})

test('logs a lost stream at info, as a warning the second time', () => {
  const lost = (times: number) => logLineOf('shop', failed('retrying', error, { kind: 'fenced', times }))
  expect([lost(1)?.level, lost(2)?.level]).toEqual(['info', 'warn'])
})

test('every line has its stream, and its message contains no variable part', () => {
  const lines = everyPipelineEvent(error).flatMap((event) => logLineOf('shop', event) ?? [])
  expect(lines.length).toBeGreaterThan(20)
  for (const { fields, message } of lines) {
    expect(fields.stream).toBe('shop')
    expect(message).toMatch(/^[A-Za-z_,: ]+$/)
  }
})

function observed() {
  const logged: string[] = []
  const time = { now: 0 }
  const log: Log = (level, message) => logged.push(`${level} ${message}`)
  return { logged, time, observe: logObserver('shop', { clock: { monotonic: () => time.now }, log }) }
}

test('logs the first read failure at warn, the next ones at debug, and the recovery at info', () => {
  const error = new ConnectorError('source.throttled', 'scripted')
  const retried = (attempt: number): PipelineEvent => ({
    kind: 'read-retried',
    scan: 'live',
    tried: 'in-place',
    code: error.code,
    attempt,
    error,
  })
  expect([1, 2, 3].map((attempt) => logLineOf('shop', retried(attempt))?.level)).toEqual(['warn', 'debug', 'debug'])
  expect(logLineOf('shop', retried(1))?.fields).toMatchObject({
    code: 'source.throttled',
    error: 'source.throttled: scripted',
    attempt: 1,
  })
  expect(logLineOf('shop', { kind: 'read-recovered', scan: 'live', failures: 3, failedForMs: 90_000 })).toEqual({
    level: 'info',
    message: 'reading works again',
    fields: { stream: 'shop', scan: 'live', failures: 3, failedForMs: 90_000 },
  })
})

test('logs a persistent condition once an hour', () => {
  const { logged, time, observe } = observed()
  const stuck = () => observe({ kind: 'scan-stuck', scan: 'live', why: 'repeated-token' })
  for (let times = 1; times < 100; times++) stuck()
  expect(logged).toHaveLength(1)
  time.now = 3_600_000
  stuck()
  expect(logged).toHaveLength(2)
})

test('logs the same condition for another field separately', () => {
  const { logged, observe } = observed()
  for (const field of ['Modif', 'DateModif', 'Modif'])
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field })
  expect(logged).toHaveLength(2)
})

test('logs the start of a history at info, and of other scans at trace', () => {
  const started = (scan: Lane) => logLineOf('shop', { kind: 'scan-started', scan, lastChanged: '2026-01-01T00:00:00' })
  expect((['live', 'catch-up', 'look-back', 'history'] as const).map((scan) => started(scan)?.level)).toEqual([
    'trace',
    'trace',
    'trace',
    'info',
  ])
})
