import { expect, inject, it, onTestFailed, onTestFinished } from 'vitest'
import { checkpointObject } from '../support/checkpoint-object.ts'
import type { ConnectorProcess, LogLine } from '../support/connector-process.ts'
import { sendAnswer } from '../support/servers/polaris/answer.ts'
import { numbers } from '../support/servers/polaris/made-up-client.ts'
import type { SimulatorOptions } from '../support/servers/polaris-simulator.ts'
import { startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import { expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'

const kills = Number(process.env.E2E_KILLS ?? 28)
const seed = Number(process.env.TEST_SEED)
const claimed = ({ msg }: LogLine) => msg === 'new stream claimed' || msg === 'stream claimed'

/** Streams that differ in what matters for a crash: page size, format, whether the modification time shows. */
const streams: { source: SimulatorOptions; environment: Record<string, string> }[] = [
  { source: { clients: 600 }, environment: { POLARIS_LIMIT: '10', POLARIS_OUTPUT: 'json' } },
  { source: { clients: 3000 }, environment: { POLARIS_LIMIT: '100', POLL_OVERLAP: '10s' } },
  { source: { clients: 400, hasModificationTime: false }, environment: { POLARIS_LIMIT: '25' } },
  { source: { clients: 300 }, environment: { POLL_TAIL: 'checkpoint', POLARIS_OUTPUT: 'json' } },
]

it.each([
  ['after the checkpoint was prepared', { kind: 'hang-after' }],
  ['before the checkpoint was prepared', { kind: 'hang' }],
] as const)('a new stream that is killed in its very first page, %s, goes on by itself', async (_, fault) => {
  const proxy = await startS3FaultProxy({ target: inject('s3').endpoint })
  onTestFinished(() => proxy.close())
  const stage = await scene({ source: { clients: 60 }, environment: { AWS_ENDPOINT_URL_S3: proxy.endpoint } })
  const gate = Promise.withResolvers<void>()
  const { faults } = stage.simulator
  faults.next(1, { name: 'waits', send: (response, answer) => gate.promise.then(() => sendAnswer(response, answer)) })
  const first = stage.start()
  await first.line(claimed)
  const puts = proxy.received.get('PUT') ?? 0
  proxy.next('PUT', fault)
  gate.resolve()
  const object = checkpointObject(stage.name)
  if (fault.kind === 'hang-after') await object.until(({ pending }) => pending?.seq === 1)
  else await first.status(() => (proxy.received.get('PUT') ?? 0) > puts)
  await first.kill()
  expect(await object.document()).toMatchObject({ committed: { seq: 0, by: 'beginning' } })

  const second = stage.start()
  await stage.caughtUp()
  expect(await second.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
})

it(
  `${kills} kills at random moments lose, double and disorder nothing, two processes fighting over a stream included (seed ${seed})`,
  async () => {
    onTestFailed(() => console.error(`TEST_SEED=${seed} E2E_KILLS=${kills}`))
    const runs = streams.map(async (options, index) => {
      const stage = await scene(options)
      const stopChanging = stage.simulator.changeEvery(15)
      const chance = numbers(seed, index, 1)
      for (let killed = 0; killed < kills / streams.length; ) killed += await round(stage, chance)
      stopChanging()
      const last = stage.start()
      await stage.caughtUp()
      expect(await last.stop()).toBe(0)
      expectExactlyOnce(stage, await stage.records())
    })
    await Promise.all(runs)
  },
  120_000 + kills * 10_000,
)

/** Resolves to how many processes it killed. */
async function round(stage: Scene, chance: () => number): Promise<number> {
  const first = stage.start()
  if (chance() < 0.3) return await fight(first, stage, chance)
  await killAtRandom(first, chance)
  return 1
}

/** A second process opens the stream at a random moment; whoever is left then is killed at another. */
async function fight(first: ConnectorProcess, stage: Scene, chance: () => number): Promise<number> {
  await somewhen(chance() * 800)
  const second = stage.start()
  if (chance() < 0.5) {
    await Promise.all([killAtRandom(first, chance), killAtRandom(second, chance)])
    return 2
  }
  await Promise.any([first.exitCode(), second.exitCode()]) // one of them is fenced
  await Promise.all([killAtRandom(first, chance), killAtRandom(second, chance)])
  return 1
}

/** Some while it starts, most after it has claimed the stream. */
async function killAtRandom(connector: ConnectorProcess, chance: () => number): Promise<void> {
  if (chance() < 0.25) await somewhen(chance() * 1_000)
  else {
    await connector.line(claimed).catch(() => {}) // fenced before
    await somewhen(chance() * chance() * 1_500)
  }
  await connector.kill()
}

/** The moment of a kill is chance; nothing is waited for here. */
function somewhen(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
