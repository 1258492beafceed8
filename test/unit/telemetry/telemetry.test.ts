import { expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { createTelemetry } from '../../../connector/telemetry/telemetry.ts'
import { polling } from '../../support/polling.ts'
import { reporting } from '../../support/stream-states.ts'

function setUp(level: 'debug' | 'info' = 'info') {
  const lines: Record<string, unknown>[] = []
  const parts = {
    connector: 'shops',
    replica: 'r-1',
    version: '1.2.3',
    level,
    placement: 'group',
    readyAfterMs: 300_000,
  } as const
  const out = { write: (line: string) => lines.push(JSON.parse(line)) }
  return { ...createTelemetry({ ...parts, out, clock: systemClock }), lines }
}

test('logs one line for each change of the replica state', () => {
  const { replicaIs, lines } = setUp()
  for (const state of ['running', 'running', 'stopping', 'stopping'] as const) replicaIs(state)
  expect(lines.map((line) => line.msg)).toEqual(['replica running', 'replica stopping'])
})

test('reports an event to the log, the metrics and the status', async () => {
  const { observe, registry, status, lines } = setUp()
  reporting(observe('shop', polling))({
    kind: 'stream-held',
    code: 'bug',
    error: new TypeError('Dupont'),
    pauseMs: 60_000,
  })
  expect(lines).toMatchObject([{ level: 'error', connector: 'shops', stream: 'shop', code: 'bug', error: 'TypeError' }])
  expect(await registry.metrics()).toContain(
    'polaris_connector_stream_failure{stream="shop",code="bug",connector="shops"} 1',
  )
  expect(status().streams).toMatchObject([{ stream: 'shop', state: 'held', code: 'bug' }])
})

test('logs a retried call to the checkpoint store at debug', () => {
  const { storeRetried, lines } = setUp('debug')
  storeRetried(new ConnectorError('storage.unavailable', 'write s3://bucket/key: SlowDown'), 2)
  expect(lines).toMatchObject([{ level: 'debug', code: 'storage.unavailable', attempt: 2 }])
})
