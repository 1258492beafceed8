import { expect, test } from 'vitest'
import { type LogFields, libraryLog } from '../../../connector/telemetry/logger.ts'

// Lines of a library with planted data are logged.

function logged(message: string, fields: Record<string, unknown>) {
  const lines: { level: string; message: string; fields: LogFields }[] = []
  libraryLog((at, text, found) => lines.push({ level: at, message: text, fields: found }), 'kafkajs')(message, fields)
  return lines[0]
}

test('logs the namespace and the codes found in texts, never the texts', () => {
  expect(
    logged('[Connection] Connection error: connect ECONNREFUSED 10.0.0.1:9092', {
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
    message: 'library log',
    fields: {
      library: 'kafkajs',
      namespace: 'Connection',
      codes: ['ECONNREFUSED', 'ECONNRESET'],
    },
  })
})

test.each([
  ['code', 'DUPONT'],
  ['code', { nom: 'Dupont' }],
  ['namespace', '06 12 34 56 78'],
  ['constructor', 'Dupont'],
])('drops a field with an invalid value: %s = %j', (name, value) => {
  expect(logged('read ECONNRESET', { [name]: value })?.fields).toEqual({ library: 'kafkajs', codes: ['ECONNRESET'] })
})

test('logs nothing of a text without a code', () => {
  expect(logged('Dupont has joined the group', { namespace: 'Runner' })).toBeUndefined()
})
