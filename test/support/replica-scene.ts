import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { inject, onTestFailed, onTestFinished } from 'vitest'
import { slotOf } from '../../connector/kafka/group/sticky-assigner.ts'
import { groupDefaults } from '../../connector/placement/placement-config.ts'
import { type PolarisSimulator, startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { type ConnectorProcess, lastLines, runningOn, startConnector } from './connector-process.ts'
import { configFile, environmentOf, expectExactlyOnce, untilPublished } from './stream-scene.ts'
import type { TopicRecord } from './topic-reader.ts'

/** Several streams on real servers, each with its own topic, all with one source. Closed with the test. */
export interface ReplicaScene {
  readonly name: string
  readonly streams: readonly string[]
  readonly simulator: PolarisSimulator
  /** Starts `run`, or another command. */
  start(args?: readonly string[], more?: Record<string, string>): ConnectorProcess
  /** Waits until each stream runs on one replica, and each replica runs `least` or more. */
  untilShared(replicas: readonly ConnectorProcess[], options?: { least?: number }): Promise<void>
  /** Waits until the topic of a stream has the last version of every client, and at least so many records. */
  untilPublished(stream: string, atLeast?: number): Promise<TopicRecord[]>
  /** Waits until all topics are complete; then every change of every stream must be there exactly once and in order. */
  expectAllExactlyOnce(): Promise<void>
}

/** Variables that describe a single stream; with several streams, the file describes them. */
const ofOneStream = ['KAFKA_TOPIC', 'POLARIS_CODE_MAGASIN', 'POLARIS_LAST_CHANGED', 'POLARIS_LIMIT', 'POLL_INTERVAL']

export interface ReplicaSceneOptions {
  /** Settings of `streams[].poll`. */
  readonly poll?: object
  /** Number of clients in the source, 100 by default. */
  readonly clients?: number
  /** More settings of each stream's `polaris` section. */
  readonly polaris?: object
}

/** With these streams, or so many. Call within a test. */
export async function replicaScene(
  wanted: number | readonly string[],
  options: ReplicaSceneOptions = {},
): Promise<ReplicaScene> {
  const { clients = 100, polaris: more = {}, poll = {} } = options
  const brokers = inject('kafkaBrokers')
  const simulator = await startPolarisSimulator({ clients })
  const name = `e2e-${randomUUID().slice(0, 13)}`
  const streams = typeof wanted === 'number' ? streamsInSeparateSlots(wanted) : wanted
  const topicOf = (stream: string) => `${name}.${stream}`
  const polaris = { url: simulator.url, lastChanged: '2000-01-01', limit: 20, output: 'json', ...more }
  const all = streams.map((stream, at) => ({
    name: stream,
    polaris: { ...polaris, codeMagasin: at + 1 },
    poll: { interval: '200ms', ...poll },
    kafka: { topic: topicOf(stream) },
  }))
  // JSON is valid YAML. Few partitions make the topics quick to create.
  const config = configFile(JSON.stringify({ kafka: { topics: { partitions: 2 } }, streams: all }))
  const given = Object.entries(environmentOf(name, brokers)).filter(([variable]) => !ofOneStream.includes(variable))
  const environment = { ...Object.fromEntries(given), PLACEMENT: 'group' }
  const started: ConnectorProcess[] = []
  onTestFailed(() => {
    for (const one of started) console.error(`--- ${name}\n${lastLines(one.output(), 40)}`)
  })
  onTestFinished(async () => {
    await Promise.all(started.map((one) => one.kill()))
    await simulator.close()
  })
  const start = (args: readonly string[] = ['run'], more: Record<string, string> = {}) => {
    const one = startConnector([...args, '--config', config], { ...environment, ...more })
    started.push(one)
    return one
  }
  const published = (stream: string, atLeast = 0) =>
    untilPublished({ brokers, topic: topicOf(stream), simulator, atLeast })
  return {
    name,
    streams,
    simulator,
    untilPublished: published,
    untilShared: (replicas, options) => untilShared(streams, replicas, options),
    start,
    expectAllExactlyOnce: async () => {
      for (const stream of streams) expectExactlyOnce({ simulator }, await published(stream))
    },
  }
}

/** Names of streams in different slots, so that each stream can move on its own. */
export function streamsInSeparateSlots(count: number): string[] {
  const found = new Map<number, string>()
  for (let number = 1; found.size < count; number += 1) {
    const slot = slotOf(`stream-${number}`, groupDefaults.create.partitions)
    if (!found.has(slot)) found.set(slot, `stream-${number}`)
  }
  return [...found.values()]
}

/** Of a busy machine: an assignment usually takes a few seconds. */
const SHARED_WITHIN_MS = 120_000

async function untilShared(
  streams: readonly string[],
  replicas: readonly ConnectorProcess[],
  { least = 1 } = {},
): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    const running = await Promise.all(replicas.map(runningOn))
    const isShared = running.flat().sort().join() === [...streams].sort().join()
    if (isShared && running.every((some) => some.length >= least)) return
    if (performance.now() - startedAt > SHARED_WITHIN_MS)
      throw new Error(`streams not shared within ${SHARED_WITHIN_MS} ms: ${JSON.stringify(running)}`)
    await delay(50)
  }
}
