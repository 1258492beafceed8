import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { createTelemetry } from '../../../connector/telemetry/telemetry.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { polling } from '../../support/polling.ts'
import { entered, reporting } from '../../support/stream-states.ts'

function replica(clock: Clock = systemClock) {
  const lines: Record<string, unknown>[] = []
  const telemetry = createTelemetry({
    connector: 'shops',
    replica: 'r-1',
    version: '1.2.3',
    level: 'info',
    readyAfterMs: 300_000,
    placement: 'group',
    clock,
    out: { write: (line: string) => lines.push(JSON.parse(line)) },
  })
  const shop = reporting(telemetry.observe('shop', polling))
  const move = (gained: string[], lost: string[] = []) =>
    telemetry.observePlacement({ kind: 'assignment-changed', streams: gained.length, gained, lost })
  const shopState = () => telemetry.health().streams[0]?.state
  return { ...telemetry, lines, shop, move, shopState }
}

test('a replica is not ready before it joins the group, and shows the failure', () => {
  const { health, observePlacement } = replica()
  expect(health()).toMatchObject({ ready: false, replicaState: 'starting', placement: { state: 'joining' } })
  const refused = Object.assign(new Error('secret'), { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' })
  const error = new ConnectorError('publish.failed', 'join group shops: b:9092 refuses the connection', {
    cause: refused,
  })
  observePlacement({ kind: 'membership-lost', code: error.code, error })
  const failure = {
    code: 'publish.failed',
    error: 'join group shops: b:9092 refuses the connection',
    causes: ['KafkaJSConnectionError ECONNREFUSED'],
    hint: expect.stringContaining('KAFKA_BROKERS'),
  }
  expect(health()).toMatchObject({
    ready: false,
    because: [{ why: 'starting', ...failure }],
    placement: { state: 'rejoining', ...failure },
    streams: [{ stream: 'shop', state: 'waiting' }],
  })
  expect(JSON.stringify(health())).not.toMatch(/"ready":true|secret/)
})

test('a standby is ready, and its streams are waiting', () => {
  const { health, move, shopState, lines } = replica()
  move([])
  expect(health()).toMatchObject({
    ready: true,
    replicaState: 'running',
    placement: { streams: [] },
  })
  expect(shopState()).toBe('waiting')
  expect(lines.map(({ msg }) => msg)).toEqual(['standing by: no stream is assigned to this replica', 'replica running'])
})

test('a standby that is out of the group for too long is not ready until it has rejoined', () => {
  const clock = virtualClock(0)
  const { health, move, observePlacement } = replica(clock)
  const join = () => observePlacement({ kind: 'group-joined', slots: [], kept: 0, streams: [], tookMs: 1 })
  const error = new ConnectorError('publish.failed', 'join group shops')
  join()
  move([])
  clock.pass(3_600_000)
  expect(health().ready).toBe(true)
  for (const _time of [1, 2]) {
    observePlacement({ kind: 'membership-lost', code: error.code, error })
    clock.pass(300_000)
    expect(health().ready).toBe(true)
    clock.pass(1)
    expect(health()).toMatchObject({
      ready: false,
      replicaState: 'running',
      placement: { secondsInState: 300.001 },
      because: [{ why: 'out of the consumer group', code: error.code }],
    })
    join()
    expect(health().ready).toBe(true)
  }
})

test('a stopping replica stays stopping after a new assignment', () => {
  const { health, move, replicaIs } = replica()
  move(['shop'])
  replicaIs('stopping')
  move([])
  expect(health()).toMatchObject({ ready: false, replicaState: 'stopping' })
})

test('a stream is waiting once it says so, however it was assigned meanwhile', () => {
  const { shop, move, shopState, health } = replica()
  move(['shop'])
  shop(entered('held', 'running'))
  shop({ kind: 'stream-held', code: 'bug', error: new TypeError(), pauseMs: 60_000 })
  expect(health().ready).toBe(false)
  move([], ['shop'])
  expect(shopState()).toBe('held')
  shop(entered('waiting', 'held'))
  expect(shopState()).toBe('waiting')
  expect(health().ready).toBe(true)
})
