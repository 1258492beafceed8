import { setTimeout as delay } from 'node:timers/promises'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { faults, type PolarisSimulator, startPolarisSimulator } from '../../test/polaris/polaris-simulator.ts'
import { type ConnectorProcess, startConnector } from '../../test/support/connector-process.ts'
import type { S3Address } from '../../test/support/servers/s3-server.ts'
import { memoryOf } from './process-usage.ts'
import { openRig } from './rig.ts'
import { openOnceCreated } from './topic-watch.ts'

/** A connector that reads from a simulator with live changes, and when each change arrived in the topic. */
export interface ScanRig {
  readonly simulator: PolarisSimulator
  readonly s3: S3Address
  /** Removed on close. */
  readonly folder: string
  /** The connector that runs now. */
  connector(): ConnectorProcess
  /** Ends the connector, and starts another one on the same stores. `meanwhile`: while none runs. */
  restart(next: {
    meanwhile: () => Promise<void>
    start: (environment: Record<string, string>) => ConnectorProcess
  }): Promise<void>
  /** Changes one client after another, `perSecond`, for `seconds`; returns how many. */
  changeFor(perSecond: number, seconds: number): Promise<number>
  /** From here on, each response takes this long. */
  slowDown(latencyMs: number): void
  /** Drops the changes so far. */
  startMeasuring(): void
  /** Milliseconds from each change to its event. Changes without an event yet are not included. */
  latencies(): readonly number[]
  /** Changes whose event has not arrived. */
  waiting(): number
  /** Events in the topic so far. */
  events(): number
  /** Those that a republication published. */
  republished(): number
  metric(name: string): Promise<number>
  residentMegabytes(): number
  close(): Promise<void>
}

export interface ScanRigOptions {
  readonly clients: number
  readonly latencyMs: number
  readonly environment?: Readonly<Record<string, string>>
}

const TOPIC = 'client.modified'
/** Of the checkpoints, in the bucket. */
export const FOLDER = 'bench'
/** Of its only stream, beside that folder. */
export const STREAM_KEY = 'bench/clients.json'
const LIMIT = 100

export async function openScanRig({ clients, latencyMs, environment = {} }: ScanRigOptions): Promise<ScanRig> {
  const closing = closeStack()
  try {
    const rig = closing.use(await openRig(), (opened) => opened.close())
    await rig.admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 6 }] })
    const simulator = closing.use(await startPolarisSimulator({ clients }), (opened) => opened.close())
    const latency = { ms: latencyMs }
    simulator.faults.when(
      () => latency.ms > 0,
      () => faults.latency(latency.ms),
    )
    const arrivals = closing.use(await watchArrivals(rig.brokers), (opened) => opened.close())
    const { brokers, s3 } = rig
    const settings = {
      ...{ CONNECTOR_ID: 'bench', HTTP_PORT: '0', PLACEMENT: 'single', MALLOC_ARENA_MAX: '1' },
      ...{ POLARIS_URL: simulator.url, POLARIS_CODE_MAGASIN: '1', POLARIS_LAST_CHANGED: '2000-01-01' },
      ...{ POLARIS_LIMIT: String(LIMIT), POLARIS_OUTPUT: 'json', POLARIS_LIST_FIELDS: 'Cartes' },
      ...{ KAFKA_BROKERS: brokers, KAFKA_TOPIC: TOPIC, CHECKPOINT_URL: `s3://${s3.bucket}/${FOLDER}` },
      ...{ AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_REGION: s3.region, S3_FORCE_PATH_STYLE: 'true' },
      ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
      ...environment,
    }
    let connector = startConnector(['run'], settings)
    closing.use(settings, () => connector.kill())
    return {
      ...{ simulator, s3, folder: rig.folder, ...arrivals },
      connector: () => connector,
      restart: async ({ meanwhile, start }) => {
        await connector.stop()
        await meanwhile()
        connector = start(settings)
      },
      changeFor: (perSecond, seconds) => changeFor(simulator, { perSecond, seconds }, arrivals.expect),
      slowDown: (ms) => void Object.assign(latency, { ms }),
      metric: async (name) => metricOf((await connector.get('/metrics')).body, name),
      residentMegabytes: () => memoryOf(connector.pid).megabytes,
      close: () => closing.close(),
    }
  } catch (error) {
    await closing.close()
    throw error
  }
}

/** Sum of all series of a metric. */
function metricOf(text: string, name: string): number {
  const values = text.matchAll(new RegExp(`^polaris_connector_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
}

type Expect = (clientId: string, version: number) => void

/** Each change has a client of its own, as long as there are enough. */
async function changeFor(
  simulator: PolarisSimulator,
  { perSecond, seconds }: { perSecond: number; seconds: number },
  expect: Expect,
): Promise<number> {
  const began = performance.now()
  let changes = 0
  while (performance.now() - began < seconds * 1000) {
    const due = ((performance.now() - began) / 1000) * perSecond
    for (; changes < due; changes += 1) {
      const { clientId, version } = simulator.change(nextId(simulator))
      expect(clientId, version)
    }
    await delay(20)
  }
  return changes
}

const positions = new WeakMap<PolarisSimulator, number>()
function nextId(simulator: PolarisSimulator): string {
  const at = positions.get(simulator) ?? 0
  positions.set(simulator, at + 1)
  return simulator.clientIds[at % simulator.clientIds.length] ?? ''
}

/** Reads the topic, and notes when the version of each changed client arrives. */
async function watchArrivals(brokers: string) {
  const expected = new Map<string, { version: number; changedAt: number }>()
  const closed = new AbortController()
  const reader = await openOnceCreated(brokers, TOPIC, closed.signal)
  let latencies: number[] = []
  let [events, republished] = [0, 0]
  const reading = (async () => {
    while (!closed.signal.aborted) {
      for (const { key, text } of (await reader?.poll()) ?? []) {
        events += 1
        if (text.includes('"republished":')) republished += 1
        const change = expected.get(key ?? '')
        if (change === undefined || !text.includes(`"NoVersion":"${change.version}"`)) continue
        latencies.push(performance.now() - change.changedAt)
        expected.delete(key ?? '')
      }
    }
  })()
  return {
    expect: (clientId: string, version: number) => {
      expected.set(clientId, { version, changedAt: performance.now() })
    },
    startMeasuring: () => {
      latencies = []
      expected.clear()
    },
    latencies: () => latencies,
    waiting: () => expected.size,
    events: () => events,
    republished: () => republished,
    close: async () => {
      closed.abort()
      await reading
      await reader?.close()
    },
  }
}
