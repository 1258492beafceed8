import { expect, test } from 'vitest'
import { restartBadly } from '../polaris/bad-restart.ts'
import { numbers } from '../polaris/clients/made-up-client.ts'
import { SHORT_PAUSES } from '../support/connector-process.ts'
import { expectNothingPersonal, httpOutputs } from '../support/nothing-personal.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

// The simulator restarts as a Windows server does at night, and the topic is compared with the source.

test('needs no operator while the server restarts badly, publishes each change once, and prints nothing of its answers', async () => {
  const times = { polaris: { retry: { firstPauseMs: 20, maxPauseMs: 100 } } }
  const stage = await scene({ source: { clients: 200 }, times, environment: { ...SHORT_PAUSES, LOG_LEVEL: 'trace' } })
  const connector = stage.start()
  await stage.caughtUp()
  const random = numbers(Number(process.env.TEST_SEED), 0, 0)
  const stopChanges = stage.simulator.changeEvery(20)
  const failed = await restartBadly(stage.simulator.faults, { stageMs: 700, random })
  stopChanges()
  expect(failed).toBeGreaterThan(10)
  expectExactlyOnce(stage, await stage.caughtUp())
  const errors = connector.lines().filter(({ level }) => level === 'error')
  expect(errors.filter(({ code }) => !['source.forbidden', 'source.unauthorized'].includes(String(code)))).toEqual([])
  const outputs = await httpOutputs(connector)
  expect(await connector.stop()).toBe(0)
  expectNothingPersonal([...outputs, connector.output()])
})
