import { randomUUID } from 'node:crypto'
import { inject, onTestFailed, onTestFinished } from 'vitest'
import { type PolarisSimulator, startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { type ConnectorProcess, lastLines, startConnector } from './connector-process.ts'
import { configFile, environmentOf, expectExactlyOnce, untilPublished } from './stream-scene.ts'
import type { TopicRecord } from './topic-reader.ts'

/** Several streams on real servers, each with its own topic, all with one source. Closed with the test. */
export interface ReplicaScene {
  readonly name: string
  readonly streams: readonly string[]
  readonly simulator: PolarisSimulator
  /** Starts `run`, or another command. */
  start(args?: readonly string[], more?: Record<string, string>): ConnectorProcess
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
}

/** Call within a test. */
export async function replicaScene(
  streams: readonly string[],
  options: ReplicaSceneOptions = {},
): Promise<ReplicaScene> {
  const { clients = 100, poll = {} } = options
  const brokers = inject('kafkaBrokers')
  const simulator = await startPolarisSimulator({ clients })
  const name = `e2e-${randomUUID().slice(0, 13)}`
  const topicOf = (stream: string) => `${name}.${stream}`
  const all = streams.map((stream, at) => ({
    name: stream,
    polaris: { url: simulator.url, lastChanged: '2000-01-01', limit: 20, output: 'json', codeMagasin: at + 1 },
    poll: { interval: '200ms', ...poll },
    kafka: { topic: topicOf(stream) },
  }))
  // JSON is valid YAML. Few partitions make the topics quick to create.
  const config = configFile(JSON.stringify({ kafka: { topics: { partitions: 2 } }, streams: all }))
  const given = Object.entries(environmentOf(name, brokers)).filter(([variable]) => !ofOneStream.includes(variable))
  const started: ConnectorProcess[] = []
  onTestFailed(() => {
    for (const one of started) console.error(`--- ${name}\n${lastLines(one.output(), 40)}`)
  })
  onTestFinished(async () => {
    await Promise.all(started.map((one) => one.kill()))
    await simulator.close()
  })
  const start = (args: readonly string[] = ['run'], more: Record<string, string> = {}) => {
    const one = startConnector([...args, '--config', config], {
      ...Object.fromEntries(given),
      PLACEMENT: 'group',
      ...more,
    })
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
    start,
    expectAllExactlyOnce: async () => {
      for (const stream of streams) expectExactlyOnce({ simulator }, await published(stream))
    },
  }
}
