import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { slotOf } from '../../connector/kafka/group/sticky-assigner.ts'
import { groupDefaults } from '../../connector/placement/placement-config.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { sendAnswer } from '../../test/polaris/answer/answer.ts'
import {
  type Call,
  faults,
  type PolarisSimulator,
  startPolarisSimulator,
} from '../../test/polaris/polaris-simulator.ts'
import { type ConnectorProcess, startConnector } from '../../test/support/connector-process.ts'
import type { Claim, History } from './rebalances.ts'
import { openRig, type Rig } from './rig.ts'
import { watchTopics } from './topic-watch.ts'

export interface Replica {
  readonly name: string
  readonly process: ConnectorProcess
}

/** Streams whose scans never end, and the replicas that share them. */
export interface ReplicaRig extends Pick<Rig, 'kafka'> {
  readonly streams: readonly string[]
  /** Starts a replica; `proxied`: it connects to Kafka through the proxy. */
  start(connection: 'direct' | 'proxied'): Replica
  history(): History
  /** Requests and responses that repeat a page of these streams; `since` in ms since 1970. */
  repeatedReads(streams: readonly string[], since: number): { readonly requests: number; readonly answers: number }
  close(): Promise<void>
}

const STREAMS = 12
const CLIENTS = 60_000
/** Limits each of the 12 streams to ten pages per second; more would measure the machine. */
const LATENCY_MS = 100
const LIMIT = 5

/** `logs`: folder for the log of each replica. */
export async function openReplicaRig({ logs }: { logs: string | undefined }): Promise<ReplicaRig> {
  const closing = closeStack()
  try {
    const rig = closing.use(await openRig({ proxied: true }), (opened) => opened.close())
    const simulator = closing.use(await startPolarisSimulator({ clients: CLIENTS }), (opened) => opened.close())
    const answered = delayAnswers(simulator)
    simulator.changeEvery(10)
    const streams = streamsInDistinctSlots(STREAMS)
    const topics = new Map(streams.map((stream) => [stream, `client.modified.${stream}`]))
    const config = join(rig.folder, 'replicas.yaml')
    writeFileSync(config, configOf(topics, simulator))
    const watch = closing.use(watchTopics(rig.brokers, topics), (opened) => opened.close())
    const replicas = closing.use(new Map<string, Replica>(), (started) => killAll([...started.values()], logs))
    return {
      ...{ kafka: rig.kafka, streams },
      start: (connection) => {
        const brokers = connection === 'direct' ? rig.brokers : rig.kafka.proxiedBootstrap
        const name = `replica-${replicas.size + 1}`
        const process = startConnector(['run', '--config', config], environmentOf(rig, brokers))
        replicas.set(name, { name, process })
        return { name, process }
      },
      history: () => ({ claims: claimsOf([...replicas.values()]), seen: watch.seen }),
      repeatedReads: (some, since) => {
        const isCounted = ({ at, parameters }: Call) =>
          at >= since && some.includes(streams[Number(parameters.get('codeMagasin'))] ?? '')
        const requests = repetitions(simulator.calls.filter(isCounted))
        return { requests, answers: repetitions(answered.filter(isCounted)) }
      },
      close: () => closing.close(),
    }
  } catch (error) {
    await closing.close()
    throw error
  }
}

async function killAll(replicas: readonly Replica[], logs: string | undefined): Promise<void> {
  await Promise.all(replicas.map(({ process }) => process.kill()))
  if (logs === undefined) return
  for (const { name, process } of replicas) writeFileSync(join(logs, `${name}.log`), process.output())
}

function configOf(topics: ReadonlyMap<string, string>, { url }: PolarisSimulator): string {
  const polaris = { url, lastChanged: '2000-01-01', limit: LIMIT, output: 'json', listFields: ['Cartes'] }
  const streams = [...topics].map(([name, topic], at) => ({
    ...{ name, polaris: { ...polaris, codeMagasin: at }, poll: { interval: '200ms' } },
    kafka: { topic },
  }))
  return JSON.stringify({ kafka: { topics: { partitions: 1 } }, streams }) // JSON is YAML
}

function environmentOf({ s3 }: Rig, brokers: string): Record<string, string> {
  return {
    ...{ CONNECTOR_ID: 'bench', HTTP_PORT: '0', KAFKA_BROKERS: brokers },
    ...{ CHECKPOINT_URL: `s3://${s3.bucket}/replicas`, AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_REGION: s3.region },
    ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
  }
}

/** One stream per slot, so that each can be reassigned alone. */
function streamsInDistinctSlots(count: number): string[] {
  const found = new Map<number, string>()
  for (let number = 1; found.size < count; number += 1) {
    const slot = slotOf(`stream-${number}`, groupDefaults.create.partitions)
    if (!found.has(slot)) found.set(slot, `stream-${number}`)
  }
  return [...found.values()]
}

function claimsOf(replicas: readonly Replica[]): Claim[] {
  return replicas.flatMap(({ name, process }) =>
    process
      .lines()
      .filter(({ msg }) => msg === 'stream claimed' || msg === 'new stream claimed')
      .map(({ stream = '', epoch, events, time }) => ({
        ...{ stream, replica: name, at: Date.parse(String(time)) },
        ...{ epoch: Number(epoch), events: Number(events) },
      })),
  )
}

/** Delays every response by `LATENCY_MS`. Returns the calls whose client was still connected at the response. */
function delayAnswers({ faults: plan }: PolarisSimulator): readonly Call[] {
  const answered: Call[] = []
  plan.when(
    () => true,
    (call) => ({
      ...faults.latency(LATENCY_MS),
      send: async (response, answer) => {
        if (!response.destroyed) answered.push(call)
        await sendAnswer(response, answer)
      },
    }),
  )
  return answered
}

/** Calls with the same stream and `checkPoint` request the same page; a restarted scan repeats the call without one. */
function repetitions(calls: readonly Call[]): number {
  const pages = calls.map(({ parameters }) => `${parameters.get('codeMagasin')} ${parameters.get('checkPoint')}`)
  return pages.length - new Set(pages).size
}
