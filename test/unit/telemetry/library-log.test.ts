import { expect, test } from 'vitest'
import { libraryLog } from '../../../connector/telemetry/library-log.ts'
import type { LogFields, LogLevel } from '../../../connector/telemetry/log.ts'

function told(level: LogLevel, message: string, fields: Record<string, unknown>) {
  const lines: { level: string; message: string; fields: LogFields }[] = []
  libraryLog((at, text, found) => lines.push({ level: at, message: text, fields: found }), 'kafkajs')(
    level,
    message,
    fields,
  )
  return lines[0]
}

test('a library is told with the listed fields and the codes found in its texts, never with the texts', () => {
  expect(
    told('error', '[Connection] Connection error: connect ECONNREFUSED 10.0.0.1:9092', {
      namespace: 'Connection',
      broker: 'kafka-1.internal:9092',
      clientId: 'Dupont',
      error: 'Dupont: read ECONNRESET',
      stack: 'Error: Dupont\n    at x (y:1:2)',
      payload: Buffer.from('Dupont'),
      retryCount: 3,
      retryTime: 120,
      groupId: 'shops.shop',
    }),
  ).toEqual({
    level: 'debug',
    message: 'from a library',
    fields: {
      library: 'kafkajs',
      namespace: 'Connection',
      broker: 'kafka-1.internal:9092',
      retryCount: 3,
      retryTime: 120,
      groupId: 'shops.shop',
      codes: ['ECONNREFUSED', 'ECONNRESET'],
    },
  })
})

test('what a library calls an error is for debugging: it logs so what it then gets over', () => {
  expect((['error', 'warn', 'info', 'debug', 'trace'] as const).map((level) => told(level, 'x', {})?.level)).toEqual([
    'debug',
    'debug',
    'debug',
    'debug',
    'trace',
  ])
})

test.each([
  ['broker', 'Jean Dupont'],
  ['broker', 'jean@dupont.fr'],
  ['groupId', 'Jean Dupont'],
  ['type', 'Dupont'],
  ['code', 'DUPONT'],
  ['code', { nom: 'Dupont' }],
  ['code', 33_612_345_678],
  ['retryCount', 'Dupont'],
  ['namespace', '06 12 34 56 78'],
  ['constructor', 'Dupont'],
])('a listed field passes only in its own form: %s = %j does not', (name, value) => {
  expect(told('error', 'x', { [name]: value })?.fields).toEqual({ library: 'kafkajs' })
})

test('codes pass as number, as type and as a code of the system', () => {
  expect(told('error', 'x', { code: 47, type: 'INVALID_PRODUCER_EPOCH' })?.fields).toMatchObject({
    code: 47,
    type: 'INVALID_PRODUCER_EPOCH',
  })
  expect(told('error', 'x', { code: 'ETIMEDOUT' })?.fields).toMatchObject({ code: 'ETIMEDOUT' })
})
