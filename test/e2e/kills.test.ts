import { expect, inject, it, onTestFailed, onTestFinished } from 'vitest'
import type { CheckpointDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import type { SegmentReference } from '../../connector/index/index-state.ts'
import { sendAnswer } from '../polaris/answer/answer.ts'
import { numbers } from '../polaris/clients/made-up-client.ts'
import { faults, type SimulatorOptions } from '../polaris/polaris-simulator.ts'
import { checkpointObject } from '../support/checkpoint-object.ts'
import type { ConnectorProcess, LogLine } from '../support/connector-process.ts'
import { type S3Exchange, startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import { expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'

const kills = Number(process.env.E2E_KILLS ?? 28)
const seed = Number(process.env.TEST_SEED)
const claimed = ({ msg }: LogLine) => msg === 'new stream claimed' || msg === 'stream claimed'

/** A stream that differs from the others in what matters for a crash. */
interface KilledStream {
  readonly source: SimulatorOptions
  readonly environment: Record<string, string>
  /** The background scan that some of the kills must interrupt. */
  readonly during: 'backfill' | 'look-back'
}

const lookBacks = { POLL_LOOK_BACK: '3s/1s,10s/4s' }
const late = { every: 5, delayMs: 4_000 }
const streams: KilledStream[] = [
  {
    source: { clients: 12_000, scans: { view: 'frozen' } },
    environment: { POLARIS_LIMIT: '50' },
    during: 'backfill',
  },
  {
    source: { clients: 3000, hasModificationTime: false },
    environment: { POLARIS_LIMIT: '10', POLARIS_OUTPUT: 'json' },
    during: 'backfill',
  },
  {
    source: { clients: 300, late, scans: { view: 'frozen' } },
    environment: { ...lookBacks, POLARIS_LIMIT: '10', POLARIS_OUTPUT: 'json' },
    during: 'look-back',
  },
  {
    source: { clients: 400, late, hasModificationTime: false },
    environment: { ...lookBacks, POLARIS_LIMIT: '25' },
    during: 'look-back',
  },
]

it.each([
  ['after the checkpoint was prepared', { kind: 'hang-after' }],
  ['before the checkpoint was prepared', { kind: 'hang' }],
] as const)('resumes a new stream that was killed during its first page, %s', async (_, fault) => {
  const proxy = await startS3FaultProxy({ target: inject('s3').endpoint })
  onTestFinished(() => proxy.close())
  const stage = await scene({ source: { clients: 60 }, environment: { AWS_ENDPOINT_URL_S3: proxy.endpoint } })
  const gate = Promise.withResolvers<void>()
  stage.simulator.faults.next(1, {
    name: 'waits',
    send: (response, answer) => gate.promise.then(() => sendAnswer(response, answer)),
  })
  const first = stage.start()
  await first.line(claimed)
  const puts = proxy.received.get('PUT') ?? 0
  proxy.next('PUT', fault)
  gate.resolve()
  const object = checkpointObject(stage.name)
  if (fault.kind === 'hang-after') await object.until(({ pending }) => pending?.seq === 1)
  else await first.status(() => (proxy.received.get('PUT') ?? 0) > puts)
  await first.kill()
  expect(await object.document()).toMatchObject({ committed: { seq: 0, hasRecord: false } })

  const second = stage.start()
  await stage.caughtUp()
  expect(await second.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
})

it(
  `loses, duplicates and reorders nothing in ${kills} random kills, some while two processes compete for a stream (seed ${seed})`,
  async () => {
    onTestFailed(() => console.error(`TEST_SEED=${seed} E2E_KILLS=${kills}`))
    const runs = streams.map(async ({ during, ...options }, index) => {
      const stage = await scene(options)
      const { until } = checkpointObject(stage.name)
      const isDuring = (stored: CheckpointDocument) => {
        const { scans } = stored.pending?.change ?? stored.committed.state
        return scans.background.some(({ kind }) => kind === during)
      }
      stage.simulator.faults.when(() => true, faults.latency(20))
      let interrupted = 0
      const scanBegins = async () => {
        await until(isDuring)
        interrupted += 1
      }
      const stopChanging = stage.simulator.changeEvery(15)
      const chance = numbers(seed, index, 1)
      for (let killed = 0; killed < kills / streams.length; ) {
        killed += await round(stage, { chance, scanBegins, mustInterrupt: () => killed > 0 && interrupted === 0 })
      }
      stopChanging()
      const last = stage.start()
      await stage.caughtUp()
      expect(await last.stop()).toBe(0)
      expectExactlyOnce(stage, await stage.records())
      expect(interrupted, `kills during a ${during}`).toBeGreaterThan(0)
    })
    await Promise.all(runs)
  },
  120_000 + kills * 10_000,
)

const isSegment = ({ path }: S3Exchange) => path.includes('.index/')
/** Larger than any segment that two transactions fill. */
const isMerged = (exchange: S3Exchange) => isSegment(exchange) && exchange.body.length > 300_000
/** Larger than 16 such segments. */
const isWhole = (exchange: S3Exchange) => isSegment(exchange) && exchange.body.length > 920_000
const names =
  (tier: SegmentReference['tier']) =>
  ({ method, path, body }: S3Exchange) =>
    method === 'PUT' && path.endsWith('.json') && body.includes(`"tier":${JSON.stringify(tier)}`)

it('loses, duplicates and reorders nothing when it is killed while segments of the client index are merged', async () => {
  const proxy = await startS3FaultProxy({ target: inject('s3').endpoint })
  onTestFinished(() => proxy.close())
  const stage = await scene({
    source: { clients: 40_000 },
    environment: { AWS_ENDPOINT_URL_S3: proxy.endpoint, POLARIS_LIMIT: '1000', POLARIS_OUTPUT: 'json' },
    times: { run: { pageGroup: { maxBytes: 1 } } }, // one page a transaction, one segment for two
  })
  let stopChanging = stage.simulator.changeEvery(15)
  const moments: [string, (exchange: S3Exchange) => boolean][] = [
    ['spill written', (exchange) => exchange.method === 'PUT' && isSegment(exchange)],
    ['spill named', names(0)],
    ['merged segment written', isMerged],
    ['merged segment named', names(1)],
    ['whole index written', isWhole],
    ['whole index named', names('base')],
  ]
  for (const [moment, isNow] of moments) {
    if (moment === 'whole index written') {
      stopChanging()
      const loading = stage.start()
      await stage.caughtUp()
      await loading.kill()
      // The index is written again once as many entries are replaced as there are clients.
      stage.simulator.massUpdate(40_000)
      stopChanging = stage.simulator.changeEvery(1)
    }
    const release = new AbortController()
    const held = proxy.holdAnswer(isNow, release.signal)
    const connector = stage.start()
    await Promise.race([held, failAfter(60_000, moment)])
    await connector.kill()
    release.abort()
  }
  stopChanging()
  const last = stage.start()
  await stage.caughtUp()
  expect(await last.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
})

interface Moments {
  readonly chance: () => number
  /** Resolves once the background scan that some kills must interrupt is in the stored document. */
  readonly scanBegins: () => Promise<unknown>
  /** Whether none has interrupted one yet. */
  readonly mustInterrupt: () => boolean
}

/** Resolves to the number of processes killed. */
async function round(stage: Scene, moments: Moments): Promise<number> {
  const first = stage.start()
  if (moments.chance() < 0.3) return await compete(first, stage, moments)
  await killAtRandom(first, moments)
  return 1
}

/** A second process opens the stream at a random moment; then all processes that still run are killed. */
async function compete(first: ConnectorProcess, stage: Scene, moments: Moments): Promise<number> {
  await wait(moments.chance() * 800)
  const second = stage.start()
  if (moments.chance() < 0.5) {
    await Promise.all([killAtRandom(first, moments), killAtRandom(second, moments)])
    return 2
  }
  await Promise.any([first.exitCode(), second.exitCode()]) // one of them is fenced
  await Promise.all([killAtRandom(first, moments), killAtRandom(second, moments)])
  return 1
}

/** One kill in four comes during the start, one in three during a background scan, the others soon after the claim. */
async function killAtRandom(connector: ConnectorProcess, moments: Moments): Promise<void> {
  const { chance, scanBegins, mustInterrupt } = moments
  const when = mustInterrupt() ? 0.25 : chance()
  if (when < 0.25) await wait(chance() * 1_000)
  else {
    await connector.line(claimed).catch(() => {}) // the process may already be fenced
    if (when < 0.6) await Promise.race([scanBegins().catch(() => {}), connector.exitCode().catch(() => {})])
    else await wait(chance() * chance() * 1_500)
  }
  await connector.kill()
}

async function failAfter(ms: number, what: string): Promise<never> {
  await wait(ms)
  throw new Error(`not within ${ms} ms: ${what}`)
}

/** Only chooses a random moment; synchronises with nothing. */
function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
