import { expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { telemetry } from '../../../connector/telemetry/telemetry.ts'
import { everyReplicaEvent } from '../../support/every-replica-event.ts'

function replica() {
  const lines: Record<string, unknown>[] = []
  const told = telemetry({
    ...{ connector: 'shops', replica: 'r-1', version: '1.2.3', level: 'info', readyAfterMs: 300_000 },
    ...{ placement: 'group', clock: systemClock, out: { write: (line: string) => lines.push(JSON.parse(line)) } },
  })
  const shop = told.observe('shop', { pollIntervalMs: 5000 })
  const move = (gained: string[], lost: string[] = []) =>
    told.observePlacement({ kind: 'assignment-changed', streams: gained.length, gained, lost })
  const shopState = () => told.health().streams[0]?.state
  return { ...told, lines, shop, move, shopState }
}

test('a replica is not ready before it is in the group, and says why', () => {
  const { health, observePlacement } = replica()
  expect(health()).toMatchObject({ ready: false, replicaState: 'starting', placement: { state: 'joining' } })
  const error = new ConnectorError('publish.unauthorized', 'join group shops')
  observePlacement({ kind: 'group-broken', code: error.code, error })
  expect(health()).toMatchObject({ ready: false, placement: { state: 'broken', code: 'publish.unauthorized' } })
})

test('a standby without streams is ready; its streams wait', () => {
  const { health, move, shopState, lines } = replica()
  move([])
  expect(health()).toMatchObject({ ready: true, replicaState: 'running', placement: { elsewhere: ['shop'] } })
  expect(shopState()).toBe('waiting')
  expect(lines.map(({ msg }) => msg)).toEqual(['standing by: no stream is assigned to this replica', 'replica running'])
})

test('a replica that stops stays one that stops, whatever the group says', () => {
  const { health, move, replicaIs } = replica()
  move(['shop'])
  replicaIs('stopping')
  move([])
  expect(health()).toMatchObject({ ready: false, replicaState: 'stopping' })
})

test('a stream that let go waits, and one that had stopped for an operator is the business of another replica', () => {
  const { shop, move, shopState, health, observePlacement } = replica()
  move(['shop'])
  shop({ kind: 'stream-opening' })
  move([], ['shop'])
  expect(shopState()).toBe('opening')
  shop({ kind: 'stream-ended' })
  observePlacement({ kind: 'stream-let-go', stream: 'shop', tookMs: 3 })
  expect(shopState()).toBe('waiting')

  move(['shop'])
  shop({ kind: 'stream-stopped', code: 'bug', error: new TypeError() })
  expect(health().ready).toBe(false)
  move([], ['shop'])
  expect(shopState()).toBe('waiting')
  expect(health().ready).toBe(true)
})

test('the metrics tell streams, rebalances, quarrels and the state of the group', async () => {
  const { observePlacement, registry } = replica()
  for (const event of everyReplicaEvent(new ConnectorError('publish.unreachable', 'join'))) observePlacement(event)
  const text = (await registry.metrics()).replaceAll(/,?connector="shops"/g, '').replaceAll('{}', '')
  for (const line of [
    'rebalances_total 1',
    'session_expiries_total 1',
    'group_breaks_total{code="publish.unreachable"} 1',
    'contested_total{stream="shop"} 1',
    'assigned_streams 1',
    'group_state{state="left"} 1',
    'group_state{state="member"} 0',
  ])
    expect(text).toContain(`polaris_connector_${line}\n`)
})
