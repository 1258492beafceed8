import { expect, it } from 'vitest'
import { faults } from '../polaris/polaris-simulator.ts'
import { restartFault } from '../polaris/restarts.ts'
import { SHORT_PAUSES, says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const held = says('stream held, trying again slowly')

it('needs no operator while the server restarts repeatedly, each time in another way', async () => {
  const restarts = { everyMs: 3_000, forMs: 1_500 }
  const kinds = 11
  const times = { polaris: { retry: { firstPauseMs: 20, maxPauseMs: 100 } } }
  const stage = await scene({ source: { clients: 200 }, times, environment: { ...SHORT_PAUSES, LOG_LEVEL: 'debug' } })
  const connector = stage.start()
  await stage.caughtUp()
  const startedAt = Date.now()
  const fault = () => restartFault(restarts, Date.now() - startedAt)
  const isOver = () => Date.now() - startedAt > (kinds + 1) * restarts.everyMs
  const stopRestarts = stage.simulator.faults.when(
    () => fault() !== undefined,
    () => fault() ?? faults.latency(0),
  )
  const stopChanges = stage.simulator.changeEvery(20)
  await expect.poll(isOver, { timeout: 60_000, interval: 500 }).toBe(true)
  stopRestarts()
  stopChanges()
  expectExactlyOnce(stage, await stage.caughtUp())
  const errors = connector.lines().filter(({ level }) => level === 'error')
  expect(errors.filter(({ code }) => !['source.forbidden', 'source.unauthorized'].includes(String(code)))).toEqual([])
  expect(await connector.stop()).toBe(0)
}, 180_000)

it.each(['IIS 403', 'form login page'] as const)('holds a stream whose server refuses it: %s', async (page) => {
  const stage = await scene()
  stage.simulator.faults.when(() => true, faults.serverPage(page))
  const connector = stage.start()
  expect(await connector.line(held)).toMatchObject({ level: 'error', code: expect.stringMatching(/^source\./) })
  expect(stage.simulator.calls.length).toBeLessThanOrEqual(2)
  expect(await connector.stop()).toBe(0)
})
