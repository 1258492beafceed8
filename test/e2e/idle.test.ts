import { expect, inject, it } from 'vitest'
import { checkpointObject } from '../support/checkpoint-object.ts'
import type { ConnectorProcess, LogLine, StreamReport } from '../support/connector-process.ts'
import { expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'
import { connectionsOf } from '../support/tcp-connections.ts'

const lost = ({ msg }: LogLine) => msg === 'stream lost to another replica'
const claimed = ({ msg }: LogLine) => msg === 'stream claimed'
const isIdle = ({ idle, totals }: StreamReport) => idle === true && (totals?.events ?? 0) > 0
const times = { run: { idleAfterMs: 1_000, savePeriodMs: 1_000 } }

/** Starts a stream and waits until it has published everything and is idle. */
async function idleScene(options: Parameters<typeof scene>[0] = {}) {
  const stage = await scene({ source: { clients: 30 }, times, ...options })
  const first = stage.start()
  await stage.caughtUp()
  await first.status(isIdle)
  return { stage, first }
}

function brokerConnections({ pid }: ConnectorProcess): number {
  const ports = inject('kafkaBrokers')
    .split(',')
    .map((broker) => Number(broker.split(':')[1]))
  const connections = connectionsOf(pid)
  return ports.reduce((sum, port) => sum + (connections.get(port) ?? 0), 0)
}

function changeAll({ simulator }: Scene): void {
  for (const id of simulator.clientIds) simulator.change(id)
}

it('keeps no broker connection while idle, is ready and polls; publishes each later change once, under a new claim', async () => {
  const { stage, first } = await idleScene()
  await expect.poll(() => brokerConnections(first)).toBe(0)
  const report = await first.status(isIdle)
  expect(report).toMatchObject({ state: 'running', progress: 'caught up', epoch: 1 })
  expect((await first.get('/readyz')).status).toBe(200)
  const openProducers = async () =>
    /^polaris_connector_producer_open{.*} (.*)$/m.exec((await first.get('/metrics')).body)?.[1]
  expect(await openProducers()).toBe('0')
  const pages = report.totals?.pages ?? 0
  await first.status(({ totals }) => (totals?.pages ?? 0) > pages + 3)

  for (let round = 2; round <= 4; round += 1) {
    changeAll(stage)
    await stage.caughtUp()
    expect(brokerConnections(first)).toBeGreaterThan(0)
    expect(await openProducers()).toBe('1')
    await first.status((now) => isIdle(now) && now.epoch === round)
  }
  expect(await first.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
})

it('has nothing pending in its checkpoint while idle, and resumes from it after a kill', async () => {
  const { stage, first } = await idleScene()
  await first.kill()
  expect(await checkpointObject(stage.name).document()).toMatchObject({ claim: { epoch: 1 }, pending: null })
  changeAll(stage)
  const second = stage.start()
  expect(await second.line(claimed)).toMatchObject({ epoch: 2, events: 30 })
  await stage.caughtUp()
  expect(await second.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
})

it('stops within 10 s while idle, with its checkpoint saved', async () => {
  const { stage, first } = await idleScene()
  expect(await first.stop(10_000)).toBe(0)
  expect(await checkpointObject(stage.name).document()).toMatchObject({ claim: { epoch: 1 }, pending: null })
})

it.each([
  ['saves its checkpoint', 1_000],
  ['has something to publish', 3_600_000],
])(
  'exits when it %s after another process took its idle stream, and does not take it back',
  async (_, savePeriodMs) => {
    const { stage, first } = await idleScene({ times: { run: { idleAfterMs: 1_000, savePeriodMs } } })
    const second = stage.start()
    expect(await second.line(claimed)).toMatchObject({ epoch: 2 })
    changeAll(stage)
    expect(await first.exitCode()).toBe(1)
    expect(first.lines().find(lost)).toMatchObject({ code: 'publish.fenced' })
    await stage.caughtUp()
    changeAll(stage)
    await stage.caughtUp()
    expect(second.lines().filter(lost)).toEqual([])
    expect(await second.stop()).toBe(0)
    expectExactlyOnce(stage, await stage.records())
  },
)

it('takes over and publishes when the other replica is killed while its stream is idle', async () => {
  const { stage, first } = await idleScene({ environment: { PLACEMENT: 'group' } })
  const second = stage.start()
  await second.line(({ msg }) => msg === 'replica running')
  await first.kill()
  await second.line(claimed)
  await second.status(({ progress }) => progress === 'caught up')
  changeAll(stage)
  await stage.caughtUp()
  expect(await second.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
})
