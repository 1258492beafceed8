import { expect, it } from 'vitest'
import { says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

it('counts changes that become visible late, with their delay, and warns once when there are many', async () => {
  const { simulator, start, caughtUp } = await scene({
    source: { clients: 40 },
    environment: { POLL_OVERLAP: '1s', POLL_LOOK_BACK: '1m/1s' },
  })
  const connector = start()
  await connector.line(says('caught up'))
  simulator.setLate({ every: 1, delayMs: 3000 })
  for (const id of simulator.clientIds.slice(0, 30)) simulator.change(id)
  const warning = await connector.line(({ msg }) => msg.startsWith('many changes become visible late'))
  expect(warning).toMatchObject({ level: 'warn', scan: 'look-back', delaySeconds: expect.any(Number) })
  expectExactlyOnce({ simulator }, await caughtUp())
  await connector.status(({ totals }) => totals?.events === 70)
  const { body } = await connector.get('/metrics')
  expect(body).toMatch(/^polaris_connector_found_late_total{.*scan="look-back".*} 30$/m)
  expect(body).toMatch(/^polaris_connector_found_late_seconds_bucket{le="60",.*} 30$/m)
  expect(body).toMatch(/^polaris_connector_warnings_total{.*kind="late-changes".*} [1-9]/m)
  expect(await connector.stop()).toBe(0)
})

it('shows the progress of the backfill and the size of the client index while live scans continue', async () => {
  const { simulator, start, caughtUp } = await scene({ source: { clients: 2000 } })
  const connector = start()
  const report = await connector.status((status) => {
    const { scans } = status as { scans?: readonly { clients: number; clientsPerSecond: number }[] }
    return (scans?.[0]?.clients ?? 0) >= 100 && (scans?.[0]?.clientsPerSecond ?? 0) > 0
  })
  expect(report).toMatchObject({
    backfill: 'due',
    scans: [
      { scan: 'backfill', from: '2000-01-01T00:00:00', position: expect.any(String), donePercent: expect.any(Number) },
    ],
    index: { clients: expect.any(Number), memoryBytes: expect.any(Number), segments: expect.any(Number) },
  })
  await caughtUp()
  const done = await connector.line(({ msg, scan }) => msg === 'scan done' && scan === 'backfill')
  expect(done).toMatchObject({ level: 'info', clients: 2000, pages: expect.any(Number) })
  const isIndexed = async () =>
    /^polaris_connector_index_clients{.*} 2000$/m.test((await connector.get('/metrics')).body)
  await expect.poll(isIndexed).toBe(true)
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(await connector.stop()).toBe(0)
})
