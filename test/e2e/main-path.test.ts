import { expect, it } from 'vitest'
import { faults } from '../polaris/polaris-simulator.ts'
import { type StreamReport, says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

const isCaughtUp = ({ progress }: StreamReport) => progress === 'caught up'

it('publishes every change of a new stream exactly once, and resumes after a stop', async () => {
  const { simulator, start, caughtUp, records } = await scene({
    environment: { PLACEMENT: 'group' },
  })
  const first = start()
  expect(await first.line(says('connector started'))).toMatchObject({ level: 'info', streams: ['clients'] })
  expect(await first.line(says('new stream claimed'))).toMatchObject({ epoch: 1, seq: 0, events: 0 })
  await first.line(says('caught up'))
  for (let change = 0; change < 50; change += 1) simulator.change()
  await caughtUp()
  expect(await first.stop()).toBe(0)
  expect(first.lines().at(-1)).toMatchObject({ msg: 'connector stopped' })

  for (let change = 0; change < 50; change += 1) simulator.change()
  const second = start()
  expect(await second.line(says('stream claimed'))).toMatchObject({ epoch: 2 })
  await caughtUp()
  await second.status(isCaughtUp)
  expect(await second.stop()).toBe(0)
  for (const line of second.output().trimEnd().split('\n')) expect(line).toMatch(/^\{"level":"(info|warn)"/)
  expectExactlyOnce({ simulator }, await records())
  const isList = ({ value }: TopicRecord) => Array.isArray((value as { data: { Cartes: unknown } }).data.Cartes)
  expect((await records()).filter((record) => !isList(record))).toEqual([])
})

it('finishes its page and saves when SIGTERM comes during a scan, and resumes from there', async () => {
  const { simulator, start, caughtUp, records } = await scene({ source: { clients: 2000 } })
  // Else the scan may end before the signal.
  const slow = simulator.faults.when(() => true, faults.latency(30))
  const first = start()
  await first.status(({ totals }) => (totals?.events ?? 0) > 100)
  const askedAt = performance.now()
  expect(await first.stop()).toBe(0)
  expect(performance.now() - askedAt).toBeLessThan(10_000)
  const stopped = await records()
  expect(stopped.length).toBeGreaterThan(100)
  expect(stopped.length).toBeLessThan(2000)

  slow()
  const calls = simulator.calls.length
  const second = start()
  expect(await second.line(says('stream claimed'))).toMatchObject({ events: stopped.length })
  await caughtUp()
  const backfill = simulator.calls
    .slice(calls)
    .filter(({ parameters }) => parameters.get('lastChanged') === '2000-01-01T00:00:00')
  expect(backfill[0]?.parameters.has('checkPoint')).toBe(true)
  expect(await second.stop()).toBe(0)
  expectExactlyOnce({ simulator }, await records())
})
