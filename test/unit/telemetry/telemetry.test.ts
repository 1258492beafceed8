import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { polling } from '../../support/polling.ts'
import { reporting } from '../../support/stream-states.ts'
import { testTelemetry } from '../../support/test-telemetry.ts'

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line))

test('logs one line for each change of the replica state', () => {
  const { replicaIs, lines } = testTelemetry({ level: 'info' })
  for (const state of ['running', 'running', 'stopping', 'stopping'] as const) replicaIs(state)
  expect(parsed(lines).map(({ msg }) => msg)).toEqual(['replica running', 'replica stopping'])
})

test('reports an event to the log, the metrics and the status', async () => {
  const { observe, registry, status, lines } = testTelemetry({ level: 'info' })
  reporting(observe('shop', polling))({
    kind: 'stream-held',
    code: 'bug',
    error: new TypeError('Dupont'),
    pauseMs: 60_000,
  })
  expect(parsed(lines)).toMatchObject([
    { level: 'error', connector: 'shops', stream: 'shop', code: 'bug', error: 'TypeError' },
  ])
  expect(await registry.metrics()).toContain(
    'polaris_connector_stream_failure{stream="shop",code="bug",connector="shops"} 1',
  )
  expect(status().streams).toMatchObject([{ stream: 'shop', state: 'held', code: 'bug' }])
})

test('logs a retried call to the checkpoint store at debug', () => {
  const { storeRetried, lines } = testTelemetry({ level: 'debug' })
  storeRetried(new ConnectorError('storage.unavailable', 'write s3://bucket/key: SlowDown'), 2)
  expect(parsed(lines)).toMatchObject([{ level: 'debug', code: 'storage.unavailable', attempt: 2 }])
})
