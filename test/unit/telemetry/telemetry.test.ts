import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { testTelemetry } from '../../support/test-telemetry.ts'

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line))

test('logs one line for each change of the replica state', () => {
  const { replicaIs, lines } = testTelemetry({ level: 'info' })
  for (const state of ['running', 'running', 'stopping', 'stopping'] as const) replicaIs(state)
  expect(parsed(lines).map(({ msg }) => msg)).toEqual(['replica running', 'replica stopping'])
})

test('logs a retried call to the checkpoint store at debug', () => {
  const { storeRetried, lines } = testTelemetry({ level: 'debug' })
  storeRetried(new ConnectorError('storage.unavailable', 'write s3://bucket/key: SlowDown'), 2)
  expect(parsed(lines)).toMatchObject([{ level: 'debug', code: 'storage.unavailable', attempt: 2 }])
})
