import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { type PolarisSimulator, startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { shortTimes } from '../support/connector-process.ts'
import { type KafkaCluster, startKafka } from '../support/servers/kafka-broker.ts'
import { type S3Server, startS3 } from '../support/servers/s3-server.ts'
import { type ChaosReplica, chaosReplica, chaosTimes, storeVariables } from './chaos-replica.ts'
import { type CheckpointVersion, checkpointVersion } from './checkpoint-history.ts'
import { BROKERS, STREAMS } from './fault-plan.ts'

/** Brokers, an S3 server, a source whose clients change, and three replicas with their own links to each of these. */
export interface ChaosScene {
  readonly kafka: KafkaCluster
  readonly s3: S3Server
  readonly simulator: PolarisSimulator
  readonly replicas: readonly ChaosReplica[]
  readonly streams: readonly string[]
  /** Every version of every checkpoint that was sent to the store. */
  readonly checkpoints: readonly CheckpointVersion[]
  /** The configuration file of the replicas, and the environment of an operator, whose links have no faults. */
  readonly config: string
  readonly operator: Readonly<Record<string, string>>
  /** Clients that were deleted in the source at some time. */
  readonly wereAbsent: Set<string>
  /** Stops everything, the replicas with SIGKILL. */
  close(): Promise<void>
}

const REPLICAS = 3
/** A small number, so that each client changes often. */
const CLIENTS = 60

export const topicOf = (stream: string) => `chaos.${stream}`

/** Resolves once everything is started; clients do not change yet. */
export async function chaosScene(): Promise<ChaosScene> {
  const closing = closeStack()
  try {
    const [kafka, s3, simulator] = await Promise.all([
      startKafka({ brokers: BROKERS.length, proxied: REPLICAS }).then((one) => closing.use(one, () => one.close())),
      startS3().then((one) => closing.use(one, () => one.close())),
      startPolarisSimulator({ clients: CLIENTS }).then((one) => closing.use(one, () => one.close())),
    ])
    const streams = Array.from({ length: STREAMS }, (_, at) => `shop-${at + 1}`)
    const folder = mkdtempSync(join(tmpdir(), 'chaos-'))
    closing.use(folder, () => rmSync(folder, { recursive: true, force: true }))
    const config = join(folder, 'connector.yaml')
    writeFileSync(config, chaosSettings(streams))
    const checkpoints: CheckpointVersion[] = []
    const replicas: ChaosReplica[] = []
    for (const [at, link] of kafka.routes.entries()) {
      const replica = await chaosReplica({
        name: `replica-${at + 1}`,
        s3,
        source: simulator.url,
        config,
        kafka: link,
        onExchange: (exchange) => {
          const version = checkpointVersion(exchange)
          if (version !== undefined) checkpoints.push(version)
        },
      })
      replicas.push(closing.use(replica, () => replica.close()))
    }
    return {
      kafka,
      s3,
      simulator,
      replicas,
      streams,
      checkpoints,
      config,
      wereAbsent: new Set<string>(),
      operator: {
        ...shortTimes(chaosTimes),
        ...storeVariables(s3, s3.endpoint),
        KAFKA_BROKERS: kafka.bootstrap,
        SOURCE_URL: simulator.url,
      },
      close: () => closing.close(),
    }
  } catch (error) {
    await closing.close()
    throw error
  }
}

/** A configuration file. */
function chaosSettings(streams: readonly string[]): string {
  const settings = {
    connector: 'chaos',
    kafka: { topics: { partitions: 2 } },
    streams: streams.map((name, at) => ({
      name,
      polaris: { url: `\${SOURCE_URL}`, lastChanged: '2000-01-01', limit: 20, output: 'json', codeMagasin: at + 1 },
      poll: { interval: '1s', lookBack: ['5s/2s', '1m/10s'], fullScan: { every: '8s' } },
      kafka: { topic: topicOf(name) },
    })),
  }
  return JSON.stringify(settings) // JSON is YAML
}

export function replicaOf({ replicas }: ChaosScene, { replica }: { readonly replica: number }): ChaosReplica {
  const found = replicas[replica - 1]
  if (found === undefined) throw new RangeError(`no replica ${replica}`)
  return found
}
