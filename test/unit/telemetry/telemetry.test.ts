import { expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { telemetry } from '../../../connector/telemetry/telemetry.ts'

function told(level: 'debug' | 'info' = 'info') {
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
  return { ...telemetry({ ...parts, out, clock: systemClock }), lines }
}

test('the replica has one line for each change of what it does', () => {
  const { replicaIs, lines } = told()
  for (const state of ['running', 'running', 'stopping', 'stopping'] as const) replicaIs(state)
  expect(lines.map((line) => line.msg)).toEqual(['replica running', 'replica stopping'])
})

test('what a stream tells goes to the log, the metrics and the health at once', async () => {
  const { observe, registry, health, lines } = told()
  observe('shop', { pollIntervalMs: 5000 })({ kind: 'stream-stopped', code: 'bug', error: new TypeError('Dupont') })
  expect(lines).toMatchObject([{ level: 'error', connector: 'shops', stream: 'shop', code: 'bug', error: 'TypeError' }])
  expect(await registry.metrics()).toContain(
    'polaris_connector_stops_total{stream="shop",code="bug",connector="shops"} 1',
  )
  expect(health().streams).toMatchObject([{ stream: 'shop', state: 'stopped', code: 'bug' }])
})

test('pages and groups leave no line at info, however many', () => {
  const { observe, lines } = told()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  for (let page = 0; page < 1000; page++) shop({ kind: 'page-read', clients: 100, bytes: 9, tookMs: 9 })
  expect(lines).toEqual([])
})

test('a checkpoint store that fails and is tried again is counted, and told at debug', async () => {
  const { storeRetried, registry, lines } = told('debug')
  storeRetried(new ConnectorError('storage.unavailable', 'write s3://bucket/key: SlowDown'), 2)
  expect(lines).toMatchObject([{ level: 'debug', code: 'storage.unavailable', attempt: 2 }])
  expect(await registry.metrics()).toContain('polaris_connector_store_retries_total{connector="shops"} 1')
})
