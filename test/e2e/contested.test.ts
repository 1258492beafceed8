import { expect, it } from 'vitest'
import { contestDefaults } from '../../connector/pipeline/keep-stream.ts'
import { type ConnectorProcess, type LogLine, runningOn } from '../support/connector-process.ts'
import { replicaScene } from '../support/replica-scene.ts'

const isContested = ({ msg }: LogLine) => msg === 'another owner takes the stream again and again'

/** The counters of one kind, by stream. */
async function counted(replica: ConnectorProcess, metric: string): Promise<Record<string, number>> {
  const { body } = await replica.get('/metrics')
  const samples = body.matchAll(new RegExp(`^polaris_connector_${metric}{.*stream="(.*?)".*} (.*)$`, 'gm'))
  return Object.fromEntries([...samples].map(([, stream = '', value]) => [stream, Number(value)]))
}

it('two owners that take a stream from each other are noticed: the replica says so, counts it, waits ever longer, and keeps its other stream', async () => {
  const stage = await replicaScene(2)
  const [fought = '', other = ''] = stage.streams
  const replica = stage.start()
  await stage.untilShared([replica])
  const since = replica.lines().length
  const change = stage.simulator.changeEvery(20)
  // Outside of the group, and started again whenever it ends, as a supervisor would.
  const exits: number[] = []
  const quarrel = async () => {
    while (!replica.lines().some(isContested)) exits.push(await stage.startAlone(fought).exitCode(90_000))
  }
  await quarrel()

  await replica.line(({ stream, msg, epoch }) => stream === fought && msg === 'stream claimed' && epoch === 5)
  const told = replica
    .lines()
    .slice(since)
    .filter(({ level, code }) => level !== 'info' && code !== 'checkpoint.conflict')
  expect(told.map(({ stream, msg }) => `${stream}: ${msg}`)).toEqual([
    `${fought}: stream lost to another replica`,
    `${fought}: stream lost to another replica`,
    `${fought}: another owner takes the stream again and again`,
  ])
  expect(told.at(-1)).toMatchObject({ level: 'warn', fences: 2, pauseMs: expect.any(Number) })
  expect(told.at(-1)?.pauseMs).toBeGreaterThanOrEqual(contestDefaults.firstPauseMs)
  expect(exits).toEqual([1, 1])
  expect(await counted(replica, 'contested_total')).toEqual({ [fought]: 1, [other]: 0 })
  expect(await counted(replica, 'losses_total')).toEqual({ [fought]: 2, [other]: 0 })
  expect((await counted(replica, 'openings_total'))[other]).toBe(1)
  change()
  await stage.expectAllExactlyOnce()
  expect((await runningOn(replica)).sort()).toEqual([...stage.streams].sort())
  expect(await replica.stop()).toBe(0)
})
