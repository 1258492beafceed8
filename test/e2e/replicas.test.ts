import { expect, it } from 'vitest'
import { sendAnswer } from '../polaris/answer/answer.ts'
import { type ConnectorProcess, runningOn, says } from '../support/connector-process.ts'
import { replicaScene } from '../support/replica-scene.ts'

/** How often a replica has opened each stream. */
const openings = (replica: ConnectorProcess, streams: readonly string[]) =>
  streams.map((stream) => replica.lines().filter((line) => line.stream === stream && /claimed$/.test(line.msg)).length)

it('three replicas share six streams, each stream runs once, and a killed replica is replaced', async () => {
  const stage = await replicaScene(6, { polaris: { output: 'xml', listFields: ['Cartes'] } })
  const [first, second, third] = [stage.start(), stage.start(), stage.start()]
  await stage.untilShared([first, second, third], { least: 2 })
  const atStart = [first, second, third].flatMap((replica) => replica.lines())
  expect(
    atStart.filter(({ level }) => level === 'warn' || level === 'error'),
    'a normal start',
  ).toEqual([])
  const change = stage.simulator.changeEvery(20)

  const kept = await runningOn(first)
  const opened = openings(first, kept)
  await third.kill()
  await stage.untilShared([first, second])
  // A rebalance does not stop streams that stay on their replica.
  expect(await runningOn(first)).toEqual(expect.arrayContaining(kept))
  expect(openings(first, kept)).toEqual(opened)
  change()
  await stage.expectAllExactlyOnce()
  expect(await Promise.all([first.stop(), second.stop()])).toEqual([0, 0])
})

it('a replica that is stopped during a scan hands over without any page being read twice', async () => {
  const pages = 20
  const stage = await replicaScene(1, { clients: pages * 20, poll: { backfill: 'before' } })
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
  expect(await first.stop()).toBe(0)
  await standby.line(says('caught up'))
  const [atStop, afterwards] = calls.slice(8, 10).map(({ parameters }) => parameters.get('checkPoint'))
  expect(afterwards).toBe(atStop)
  expect(new Set(answered.slice(0, pages)).size).toBe(pages)
  await stage.expectAllExactlyOnce()
  expect(await standby.stop()).toBe(0)
})
