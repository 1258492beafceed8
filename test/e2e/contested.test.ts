import { expect, it } from 'vitest'
import { type ConnectorProcess, type LogLine, runningOn } from '../support/connector-process.ts'
import { replicaScene } from '../support/replica-scene.ts'

const isLost = ({ msg }: Pick<LogLine, 'msg'>) => msg === 'stream lost to another replica'
const isContested = ({ msg }: LogLine) => msg === 'another process repeatedly takes the stream'

/** The values of a counter, by stream. */
async function counted(replica: ConnectorProcess, metric: string): Promise<Record<string, number>> {
  const { body } = await replica.get('/metrics')
  const samples = body.matchAll(new RegExp(`^polaris_connector_${metric}{.*stream="(.*?)".*} (.*)$`, 'gm'))
  return Object.fromEntries([...samples].map(([, stream = '', value]) => [stream, Number(value)]))
}

it('logs and counts contention when another process keeps taking a stream, backs off, and keeps its other stream', async () => {
  const stage = await replicaScene(2)
  const [contested = '', other = ''] = stage.streams
  const replica = stage.start()
  await stage.untilShared([replica])
  const since = replica.lines().length
  const change = stage.simulator.changeEvery(20)
  // The other process is outside the group and is restarted whenever it exits, as by a supervisor.
  const exits: number[] = []
  while (!replica.lines().some(isContested)) exits.push(await stage.startAlone(contested).exitCode(90_000))

  const { time } = await replica.line(isContested)
  await replica.line(
    (line) => line.stream === contested && line.msg === 'stream claimed' && String(line.time) >= String(time),
  )
  const warnings = replica
    .lines()
    .slice(since)
    .filter((line) => isLost(line) || isContested(line))
  expect(warnings.map(({ stream, msg }) => `${stream}: ${msg}`)).toEqual([
    `${contested}: stream lost to another replica`,
    `${contested}: stream lost to another replica`,
    `${contested}: another process repeatedly takes the stream`,
  ])
  expect(warnings.at(-1)).toMatchObject({ level: 'warn', fences: 2, pauseMs: expect.any(Number) })
  expect(warnings.at(-1)?.pauseMs).toBeGreaterThanOrEqual(5_000)
  // One process may take the stream twice: fenced while it opens, it tries again before it exits.
  expect([...new Set(exits)]).toEqual([1])
  expect(await counted(replica, 'contested_total')).toEqual({ [contested]: 1, [other]: 0 })
  expect(await counted(replica, 'losses_total')).toEqual({ [contested]: 2, [other]: 0 })
  expect(replica.lines().filter(({ stream, msg }) => stream === other && /claimed$/.test(msg))).toHaveLength(1)
  change()
  await stage.expectAllExactlyOnce()
  expect((await runningOn(replica)).sort()).toEqual([...stage.streams].sort())
  expect(await replica.stop()).toBe(0)
})
