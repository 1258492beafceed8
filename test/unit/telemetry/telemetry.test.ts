import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { polling } from '../../support/polling.ts'
import { testTelemetry } from '../../support/test-telemetry.ts'

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line))

test('logs one line for each change of the replica state', () => {
  const { setReplicaState, lines } = testTelemetry({ level: 'info' })
  for (const state of ['running', 'running', 'stopping', 'stopping'] as const) setReplicaState(state)
  expect(parsed(lines).map(({ msg }) => msg)).toEqual(['replica running', 'replica stopping'])
})

test('logs a retried call to the checkpoint store at debug', () => {
  const { logStoreRetry, lines } = testTelemetry({ level: 'debug' })
  logStoreRetry(new ConnectorError('storage.unavailable', 'write s3://bucket/key: SlowDown'), 2)
  expect(parsed(lines)).toMatchObject([{ level: 'debug', code: 'storage.unavailable', attempt: 2 }])
})

test('names the stream in the hints of log and status, so that a command can be pasted', () => {
  const { observe, status, lines } = testTelemetry({ level: 'info' })
  const error = new ConnectorError('checkpoint.damaged', 'the checkpoint document is missing')
  const failure = { error, kind: 'hold', pauseMs: 60_000, times: 1, isRepeated: false } as const
  observe('lyon', polling)({ kind: 'stream-state', state: 'held', previousState: 'opening', failure })
  const [reported] = status().streams
  for (const hint of [reported?.hint, parsed(lines)[0].hint]) {
    expect(hint).toContain('`polaris-connector checkpoint rewind lyon --to beginning --republish --yes`')
    expect(hint).toContain('(shops/lyon.json in CHECKPOINT_URL)')
    expect(hint).not.toMatch(/STREAM|CONNECTOR\//)
  }
})
