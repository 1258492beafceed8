import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { inject, onTestFailed, onTestFinished } from 'vitest'
import { groupDefaults } from '../../connector/placement/placement-config.ts'
import { slotOf } from '../../connector/placement/slots.ts'
import { type ConnectorProcess, lastLines, runningOn, startConnector } from './connector-process.ts'
import { type PolarisSimulator, startPolarisSimulator } from './servers/polaris-simulator.ts'
import { configFile, expectExactlyOnce, surroundingsOf, untilTold } from './stream-scene.ts'

/** Several streams that replicas share, each with a topic of its own, on real servers and one source. Closed with the test. */
export interface ReplicaScene {
  readonly name: string
  readonly streams: readonly string[]
  readonly simulator: PolarisSimulator
  /** Starts `run`, or another command. */
  start(args?: readonly string[], more?: Record<string, string>): ConnectorProcess
  /** Starts `run` for this stream alone, outside of the group. */
  startAlone(stream: string): ConnectorProcess
  /** `replicas --json` */
  replicas(): Promise<ReplicasJson>
  /** Waits until each stream runs on exactly one of the replicas, and each replica runs `least` at least. Resolves to how long it took. */
  untilShared(replicas: readonly ConnectorProcess[], options?: { least?: number; withinMs?: number }): Promise<number>
  /** Waits until everything is in the topics; then every change of every stream must be there once and in order. */
  expectAllExactlyOnce(): Promise<void>
}

interface ReplicasJson {
  readonly group: {
    readonly state: string
    readonly slots: number
    readonly members: readonly { readonly replica: string; readonly streams: readonly string[] }[]
  } | null
  readonly streams: readonly {
    readonly stream: string
    readonly assignedTo: string | null
    readonly claim: { readonly owner: string; readonly epoch: number; readonly since: string } | null
    readonly remark?: string
  }[]
}

/** Variables of a single stream: with several, the file says it. */
const ofOneStream = ['KAFKA_TOPIC', 'POLARIS_CODE_MAGASIN', 'POLARIS_LAST_CHANGED', 'POLARIS_LIMIT', 'POLL_INTERVAL']

export interface ReplicaSceneOptions {
  /** In the source, 100 by default. */
  readonly clients?: number
  /** The shared ones by default. */
  readonly brokers?: string
  /** Of each stream, and of all, as in a configuration file. */
  readonly polaris?: object
  readonly settings?: { readonly kafka?: object; readonly [section: string]: object | undefined }
}

/** Call within a test. */
export async function replicaScene(count: number, options: ReplicaSceneOptions = {}): Promise<ReplicaScene> {
  const { clients = 100, brokers = inject('kafkaBrokers'), settings = {}, polaris: more = {} } = options
  const simulator = await startPolarisSimulator({ clients })
  const name = `e2e-${randomUUID().slice(0, 13)}`
  const streams = streamsInSlotsOfTheirOwn(count)
  const topicOf = (stream: string) => `${name}.${stream}`
  const polaris = { url: simulator.url, lastChanged: '2000-01-01', limit: 20, output: 'json', ...more }
  const all = streams.map((stream, at) => ({
    ...{ name: stream, polaris: { ...polaris, codeMagasin: at + 1 }, poll: { interval: '200ms' } },
    kafka: { topic: topicOf(stream) },
  }))
  // JSON is YAML; a leader a partition is enough, and quick to make.
  const kafka = { topics: { partitions: 2 }, ...settings.kafka }
  const fileOf = (some: typeof all) => configFile(JSON.stringify({ ...settings, kafka, streams: some }))
  const config = fileOf(all)
  const given = Object.entries(surroundingsOf(name, brokers)).filter(([variable]) => !ofOneStream.includes(variable))
  const environment = { ...Object.fromEntries(given), PLACEMENT: 'group' }
  const started: ConnectorProcess[] = []
  onTestFailed(() => {
    for (const one of started) console.error(`--- ${name}\n${lastLines(one.output(), 40)}`)
  })
  onTestFinished(async () => {
    await Promise.all(started.map((one) => one.kill()))
    await simulator.close()
  })
  const startWith = (file: string, args: readonly string[], more: Record<string, string>) => {
    const one = startConnector([...args, '--config', file], { ...environment, ...more })
    started.push(one)
    return one
  }
  const start = (args: readonly string[] = ['run'], more: Record<string, string> = {}) => startWith(config, args, more)
  return {
    ...{ name, streams, simulator, untilShared: (replicas, options) => untilShared(streams, replicas, options) },
    start,
    startAlone: (stream) =>
      startWith(fileOf(all.filter(({ name }) => name === stream)), ['run'], { PLACEMENT: 'single' }),
    replicas: async () => {
      const asked = start(['replicas', '--json'])
      await asked.exitCode()
      return JSON.parse(asked.output())
    },
    expectAllExactlyOnce: async () => {
      for (const stream of streams) {
        expectExactlyOnce({ simulator }, await untilTold({ brokers, topic: topicOf(stream), simulator }))
      }
    },
  }
}

/** So that any of them can move alone. */
function streamsInSlotsOfTheirOwn(count: number): string[] {
  const found = new Map<number, string>()
  for (let number = 1; found.size < count; number += 1) {
    const slot = slotOf(`stream-${number}`, groupDefaults.create.partitions)
    if (!found.has(slot)) found.set(slot, `stream-${number}`)
  }
  return [...found.values()]
}

async function untilShared(
  streams: readonly string[],
  replicas: readonly ConnectorProcess[],
  { least = 1, withinMs = 30_000 } = {},
): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const running = await Promise.all(replicas.map(runningOn))
    const isShared = running.flat().sort().join() === [...streams].sort().join()
    if (isShared && running.every((some) => some.length >= least)) return performance.now() - startedAt
    if (performance.now() - startedAt > withinMs) throw new Error(`after ${withinMs} ms: ${JSON.stringify(running)}`)
    await delay(50)
  }
}
