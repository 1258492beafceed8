import { expect, test } from 'vitest'
import { sendAnswer } from '../polaris/answer/answer.ts'
import { says } from '../support/connector-process.ts'
import { replicaScene } from '../support/replica-scene.ts'

// A replica is stopped in the middle of a scan, and the requests of the next one are read from the simulator.

test('a replica that is stopped during a scan hands over without any page being read twice', async () => {
  const pages = 20
  const stage = await replicaScene(['stream-1'], { clients: pages * 20, poll: { backfill: 'before' } })
  const { calls, faults: plan } = stage.simulator
  const answered: (string | null)[] = []
  plan.when(
    () => true,
    ({ parameters }) => ({
      name: calls.length === 9 ? 'never answered' : 'recorded',
      send: async (response, answer) => {
        if (calls.length === 9) return
        answered.push(parameters.get('checkPoint') ?? null)
        await sendAnswer(response, answer)
      },
    }),
  )
  const first = stage.start()
  await expect.poll(() => calls.length, { timeout: 120_000 }).toBe(9)
  const standby = stage.start()
  await standby.line(says('standing by: no stream is assigned to this replica'))
  const atStart = [...first.lines(), ...standby.lines()]
  const warnings = atStart.filter(({ level }) => level === 'warn' || level === 'error')
  expect(warnings).toEqual([])
  expect(await first.stop()).toBe(0)
  await standby.line(says('caught up'))
  const [atStop, afterwards] = calls.slice(8, 10).map(({ parameters }) => parameters.get('checkPoint'))
  expect(afterwards).toBe(atStop)
  expect(new Set(answered.slice(0, pages)).size).toBe(pages)
  await stage.expectAllExactlyOnce()
  expect(await standby.stop()).toBe(0)
})
