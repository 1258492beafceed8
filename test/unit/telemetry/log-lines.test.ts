import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { logLine } from '../../../connector/telemetry/log-lines.ts'
import { logObserver } from '../../../connector/telemetry/log-observer.ts'
import { everyPipelineEvent } from '../../support/every-pipeline-event.ts'

const cause = Object.assign(new Error('Dupont'), { code: 'ECONNRESET' })
const error = new ConnectorError('checkpoint.damaged', 'checkpoint of shop: no JSON', { cause })
const linesAt = (level: string) =>
  everyPipelineEvent(error)
    .filter((event) => logLine('shop', event)?.level === level)
    .map((event) => event.kind)

test('info is for what an operator wants to read the next day: claim, idle, take-over, end, and draining or caught up', () => {
  expect(linesAt('info')).toEqual([
    'stream-claimed',
    'session-closed',
    'taken-over',
    'setting-ignored',
    'field-detected',
    'caught-up',
    'fell-behind',
    'stream-ended',
  ])
})

test('pages and groups are counters: no line above trace', () => {
  expect(linesAt('trace')).toEqual(['drain-started', 'page-read', 'group-published', 'checkpoint-saved'])
})

test('only a stopped stream is an error, told with code, message, hint and the codes of its causes', () => {
  expect(linesAt('error')).toEqual(['stream-stopped'])
  expect(logLine('shop', { kind: 'stream-stopped', code: 'checkpoint.damaged', error })).toEqual({
    level: 'error',
    message: 'stream stopped, an operator is needed',
    fields: {
      stream: 'shop',
      code: 'checkpoint.damaged',
      error: 'checkpoint.damaged: checkpoint of shop: no JSON',
      hint: expect.stringContaining('checkpoint set'),
      causes: ['Error ECONNRESET'],
    },
  })
})

test('a stream that is lost is a warning, but for one that was on its way to its new owner', () => {
  const fenced = new ConnectorError('publish.fenced', 'end the transaction')
  const lost = (wasStopping: boolean) => logLine('shop', { kind: 'stream-lost', error: fenced, wasStopping })
  expect(lost(false)).toMatchObject({ level: 'warn', fields: { code: 'publish.fenced', hint: expect.any(String) } })
  expect(lost(true)).toMatchObject({ level: 'info', fields: { stream: 'shop', code: 'publish.fenced' } })
  expect(lost(true)?.fields).not.toHaveProperty('hint')
})

test('every line names its stream, and its message holds no value', () => {
  const lines = everyPipelineEvent(error).flatMap((event) => logLine('shop', event) ?? [])
  expect(lines.length).toBeGreaterThan(20)
  for (const { fields, message } of lines) {
    expect(fields.stream).toBe('shop')
    expect(message).toMatch(/^[A-Za-z_,: ]+$/)
  }
})

test('a claim says where the stream goes on, and whether it is new', () => {
  const claimed = { epoch: 1, seq: 0, lastChanged: '2026-01-01T00:00:00', events: 0 }
  expect(logLine('shop', { kind: 'stream-claimed', isNew: true, ...claimed })).toMatchObject({
    message: 'new stream claimed',
    fields: claimed,
  })
  expect(logLine('shop', { kind: 'stream-claimed', isNew: false, ...claimed })?.message).toBe('stream claimed')
})

test('the first failure of a read warns, the next ones are for debugging', () => {
  const retried = (attempt: number): PipelineEvent => ({ kind: 'read-retried', code: 'source.throttled', attempt })
  expect([1, 2, 3].map((attempt) => logLine('shop', retried(attempt))?.level)).toEqual(['warn', 'debug', 'debug'])
})

function observed() {
  const told: string[] = []
  const time = { now: 0 }
  const clock = { ...systemClock, monotonic: () => time.now }
  const observe = logObserver('shop', { clock, log: (level, message) => told.push(`${level} ${message}`) })
  return { told, time, observe }
}

test('a condition that lasts is told once an hour, whatever its figures', () => {
  const { told, time, observe } = observed()
  for (let entries = 1; entries < 100; entries++) observe({ kind: 'window-overflowed', entries })
  expect(told).toHaveLength(1)
  time.now = 3_600_000
  observe({ kind: 'window-overflowed', entries: 5 })
  expect(told).toHaveLength(2)
})

test('the same condition of another field is another one', () => {
  const { told, observe } = observed()
  for (const path of ['adresses', 'cartes', 'adresses']) observe({ kind: 'list-ambiguous', path })
  for (const fields of [['age'], ['age', 'points'], ['age']]) observe({ kind: 'fields-keep-changing', fields })
  expect(told).toHaveLength(4)
})

test('what happens again is told again', () => {
  const { told, observe } = observed()
  observe({ kind: 'checkpoint-refused', lastChanged: '2026-01-01T00:00:00' })
  observe({ kind: 'checkpoint-refused', lastChanged: '2026-01-01T00:00:00' })
  expect(told).toHaveLength(2)
})
