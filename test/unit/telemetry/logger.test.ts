import { expect, test } from 'vitest'
import type { LogFields } from '../../../connector/telemetry/logger.ts'
import { type LoggerParts, logger } from '../../../connector/telemetry/logger.ts'

function lines(level: LoggerParts['level']) {
  const written: string[] = []
  const out = { write: (line: string) => written.push(line) }
  return { written, log: logger({ connector: 'shops', replica: 'r-1', version: '1.2.3', level, out }) }
}

test('writes JSON with level, ISO time, connector, replica, version, message and fields', () => {
  const { written, log } = lines('info')
  log('info', 'stream claimed', { stream: 'shop', epoch: 3, causes: ['Error ECONNRESET'], missing: undefined })
  expect(written).toHaveLength(1)
  expect(written[0]).toMatch(/^\{.*\}\n$/)
  expect(JSON.parse(written[0] ?? '')).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
    connector: 'shops',
    replica: 'r-1',
    version: '1.2.3',
    msg: 'stream claimed',
    stream: 'shop',
    epoch: 3,
    causes: ['Error ECONNRESET'],
  })
})

test.each([
  ['trace', 5],
  ['info', 3],
  ['error', 1],
  ['silent', 0],
] as const)('at level %s, writes lines of %i levels', (level, count) => {
  const { written, log } = lines(level)
  for (const at of ['trace', 'debug', 'info', 'warn', 'error'] as const) log(at, 'x', {})
  expect(written).toHaveLength(count)
})

test('drops objects, errors and lists of objects that bypass the types', () => {
  const { written, log } = lines('info')
  const smuggled: unknown = {
    err: new Error('Dupont'),
    error: new Error('Dupont'),
    client: { nom: 'Dupont' },
    all: [{ nom: 'Dupont' }],
  }
  log('info', 'x', smuggled as LogFields)
  expect(written[0]).not.toContain('Dupont')
})
