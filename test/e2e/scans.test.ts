import { expect, it } from 'vitest'
import type { CheckpointDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { type ServerOrder, serverOrders } from '../polaris/listed.ts'
import type { Call } from '../polaris/polaris-simulator.ts'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const HOUR_MS = 3_600_000
const BEGINNING = '2000-01-01T00:00:00'

it('finds every fifth change, which becomes visible long after the overlap, within one look-back', async () => {
  const lateMs = 10_000
  const { simulator, start, caughtUp } = await scene({
    source: { clients: 200, late: { every: 5, delayMs: lateMs } },
    environment: { POLL_LOOK_BACK: '3s/1s,20s/4s', POLARIS_LIMIT: '100' },
    times: { poll: { overlapMs: 1_000 } },
  })
  const connector = start()
  const stopChanging = simulator.changeEvery(20)
  await connector.status(({ totals }) => (totals?.events ?? 0) > 400)
  stopChanging()
  const lookBackMs = 4_000
  const records = await caughtUp(lateMs + lookBackMs + 10_000)
  expectExactlyOnce({ simulator }, records)
  const { body } = await connector.get('/metrics')
  expect(body).toMatch(/^polaris_connector_events_total{.*scan="look-back".*} [1-9]/m)
  expect(await connector.stop()).toBe(0)
})

// A 5xx counts as a refusal after five turns only, with growing pauses.
it.each([400, 'error-document'] as const)(
  'duplicates nothing when tokens are refused deep in a scan (%s), whether or not clients have a modification time',
  async (refusal) => {
    await Promise.all([true, false].map((shown) => publishWhileTokensAreRefused(refusal, shown)))
  },
)

it('loses nothing when tokens are refused deep in a scan, whatever the order in which the server returns clients', async () => {
  const orders = serverOrders.filter((order) => order !== 'oldest-first')
  await Promise.all(orders.map((order) => publishWhileTokensAreRefused(400, true, order)))
})

async function publishWhileTokensAreRefused(
  refusal: 400 | 'error-document',
  shown: boolean,
  order: ServerOrder = 'oldest-first',
): Promise<void> {
  const { simulator, start, caughtUp, records } = await scene({
    times: { polaris: { retry: { firstPauseMs: 10 } } },
    source: {
      clients: 1000,
      hasModificationTime: shown,
      modifiedBetween: [Date.now() - 10 * HOUR_MS, Date.now() - HOUR_MS],
      tokens: { refusal },
      scans: { order },
    },
  })
  const stopExpiring = simulator.faults.when(
    ({ ofFunction }) => {
      if (ofFunction === 29) simulator.change()
      if (ofFunction === 30) simulator.expireTokens()
      return false
    },
    { name: 'never' },
  )
  const connector = start()
  await caughtUp()
  expect(connector.lines().some(says('server rejected its checkPoint, reading again'))).toBe(true)
  stopExpiring()
  for (let change = 0; change < 20; change += 1) simulator.change()
  await caughtUp()
  expect(await connector.stop()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
}

it('stops reading a circle of clients under new tokens after 100 pages, while live changes are published', async () => {
  const { simulator, start, caughtUp, name } = await scene({
    source: { clients: 200 },
    times: { run: { savePeriodMs: 1_000 } },
  })
  const pagesOfAll = 10
  const changesAt = 50
  let backfillPages = 0
  const isBackfill = ({ parameters }: Call) => parameters.get('lastChanged') === BEGINNING
  simulator.faults.when(
    (call) => {
      simulator.setScans({ paging: isBackfill(call) ? 'circle' : 'client' })
      if (isBackfill(call)) backfillPages += 1
      if (isBackfill(call) && backfillPages === changesAt) simulator.change()
      return false
    },
    { name: 'never' },
  )
  const connector = start()
  const isStuck = ({ committed: { state } }: CheckpointDocument) =>
    state.scans.background.some(({ restarts }) => restarts === 1)
  const { committed } = await checkpointObject(name).until(isStuck)
  const pagesRead = backfillPages
  // The change makes one page of the next round differ.
  expect(pagesRead).toBeLessThanOrEqual(changesAt + 2 * pagesOfAll + 100)
  expect(committed.state.scans.background).toMatchObject([{ kind: 'backfill', limit: 20 }])
  const liveCalls = simulator.calls.filter((call) => !isBackfill(call)).length
  expect(liveCalls).toBeGreaterThan(3)
  for (const id of simulator.clientIds.slice(0, 30)) simulator.change(id)
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(backfillPages).toBe(pagesRead)
  expect((await connector.get('/readyz')).status).toBe(200)
  expect(await connector.stop()).toBe(0)
})

it('publishes each change once when the modification field shows the day only', async () => {
  const { simulator, start, caughtUp } = await scene({
    source: { clients: 100, modificationField: 'french-day' },
    environment: { POLL_LOOK_BACK: '5m/1s' },
    times: { poll: { overlapMs: 2_000 } },
  })
  const connector = start()
  const stopChanging = simulator.changeEvery(10)
  await connector.status(({ totals }) => (totals?.events ?? 0) > 600)
  stopChanging()
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(await connector.stop()).toBe(0)
})

it('loses and duplicates nothing when the clock of the server is wrong for a while or its Date header is absent', async () => {
  const { simulator, start, caughtUp } = await scene({
    source: { clients: 200 },
    environment: { POLL_LOOK_BACK: '1m/2s' },
  })
  const connector = start()
  const stopChanging = simulator.changeEvery(20)
  for (const fault of [
    { skewMs: HOUR_MS, times: 1 },
    { skewMs: -HOUR_MS },
    'absent',
    { skewMs: 24 * HOUR_MS },
    {},
  ] as const) {
    simulator.setDateHeader(fault)
    const pages = (await connector.status(({ totals }) => totals !== undefined)).totals?.pages ?? 0
    await connector.status(({ totals }) => (totals?.pages ?? 0) > pages + 20)
  }
  stopChanging()
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(await connector.stop()).toBe(0)
})
