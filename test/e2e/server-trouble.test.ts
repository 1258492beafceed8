import { expect, it } from 'vitest'
import { restartBadly } from '../polaris/bad-restart.ts'
import { numbers } from '../polaris/clients/made-up-client.ts'
import { faults } from '../polaris/polaris-simulator.ts'
import { SHORT_PAUSES, says } from '../support/connector-process.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const held = says('stream held, trying again slowly')

it('needs no operator while the server restarts badly, three times', async () => {
  const times = { polaris: { retry: { firstPauseMs: 20, maxPauseMs: 100 } } }
  const stage = await scene({ source: { clients: 200 }, times, environment: { ...SHORT_PAUSES, LOG_LEVEL: 'debug' } })
  const connector = stage.start()
  await stage.caughtUp()
  const random = numbers(Number(process.env.TEST_SEED), 0, 0)
  const stopChanges = stage.simulator.changeEvery(20)
  let failed = 0
  for (let restart = 0; restart < 3; restart += 1)
    failed += await restartBadly(stage.simulator.faults, { stageMs: 700, random })
  stopChanges()
  expect(failed).toBeGreaterThan(10)
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
