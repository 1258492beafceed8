import { expect, it, onTestFinished } from 'vitest'
import { checkpointObject } from '../support/checkpoint-object.ts'
import { says } from '../support/connector-process.ts'
import { startTcpProxy } from '../support/servers/tcp-proxy.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

/** Saves the checkpoint within 1 s; not ready after 3 s without progress. */
const times = {
  run: { readyAfterMs: 3_000, savePeriodMs: 1_000 },
  polaris: { retry: { firstPauseMs: 50, maxPauseMs: 200 } },
}
const aboutReading = new Set(['reading a page failed, retrying', 'reading works again'])

it('keeps its claim and saves only committed state while Polaris is unavailable, then continues', async () => {
  const stage = await scene({ source: { clients: 30 }, times })
  const { simulator } = stage
  const url = new URL(simulator.url)
  const proxy = await startTcpProxy({ target: Number(url.port) })
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  const connector = stage.start({ POLARIS_URL: url.href })
  await stage.caughtUp()
  const metrics = async () => (await connector.get('/metrics')).body

  await proxy.down()
  const report = await connector.status(({ why }) => why !== undefined, { withinMs: 120_000 })
  expect(report).toMatchObject({ state: 'running', why: 'no progress', code: 'source.unreachable', epoch: 1 })
  expect((await connector.get('/readyz')).status).toBe(503)
  const failed = async (more: number) => {
    const retries = async () => Number(/failures_total\{.*source.unreachable.*\} (\d+)/.exec(await metrics())?.[1])
    const before = await retries()
    await expect.poll(retries, { timeout: 60_000 }).toBeGreaterThanOrEqual(before + more)
  }
  await failed(5) // what was decided before is saved by then
  const recorded = await checkpointObject(stage.name).document()
  expect(recorded.pending).toBeNull()
  await failed(10)
  expect(await checkpointObject(stage.name).document()).toEqual(recorded)

  await proxy.up()
  for (const id of simulator.clientIds) simulator.change(id)
  expectExactlyOnce(stage, await stage.caughtUp())
  await connector.line(says('reading works again'))
  const lines = connector.lines().filter(({ msg }) => aboutReading.has(msg))
  expect(lines.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
    'warn: reading a page failed, retrying',
    'info: reading works again',
  ])
  expect(lines[0]).toMatchObject({ code: 'source.unreachable', error: expect.stringMatching(/ECONNRE/) })
  await connector.status(({ why, state }) => why === undefined && state === 'running')
  expect((await connector.get('/readyz')).status).toBe(200)
  expect(await connector.stop()).toBe(0)
  expect(connector.lines().filter(says('new stream claimed'))).toHaveLength(1)
  expect(connector.lines().filter(says('stream claimed'))).toEqual([])
})
