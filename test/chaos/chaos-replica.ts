import { closeStack } from '../../connector/runtime/close-stack.ts'
import { type ConnectorProcess, startConnector } from '../support/connector-process.ts'
import type { KafkaWay } from '../support/servers/kafka-broker.ts'
import { type S3Exchange, type S3FaultProxy, startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import type { S3Server } from '../support/servers/s3-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/servers/tcp-proxy.ts'

/** A replica, from one process to the next, and its ways to the others, which can be disturbed without anybody else's. */
export interface ChaosReplica {
  readonly name: string
  readonly ways: {
    /** One proxy per broker. */
    readonly kafka: readonly TcpProxy[]
    readonly s3: readonly TcpProxy[]
    readonly source: readonly TcpProxy[]
  }
  /** Behind the way to S3: for what only somebody who reads the requests can do. */
  readonly store: S3FaultProxy
  /** The process that was started last. */
  process(): ConnectorProcess
  /** Starts the next one; its clock is wrong by so much. */
  start(skewMs?: number): void
  /** What all of them wrote. */
  outputs(): readonly string[]
  /** Processes whose log does not have the time of day that they were given. */
  wrongClocks(): readonly string[]
  /** SIGKILL, and the end of the ways. */
  close(): Promise<void>
}

export interface ReplicaParts {
  readonly name: string
  readonly kafka: KafkaWay
  readonly s3: S3Server
  readonly source: string
  readonly config: string
  readonly onExchange: (exchange: S3Exchange) => void
}

/** Resolves with its first process started. */
export async function chaosReplica(parts: ReplicaParts): Promise<ChaosReplica> {
  const { name, kafka, s3, source, config, onExchange } = parts
  const closing = closeStack()
  const proxied = async (url: string) => {
    const proxy = closing.use(await startTcpProxy({ target: Number(new URL(url).port) }), (one) => one.close())
    return { proxy, url: Object.assign(new URL(url), { port: `${proxy.port}` }).href }
  }
  const store = closing.use(await startS3FaultProxy({ target: s3.endpoint, onExchange }), (one) => one.close())
  const [wayToStore, wayToSource] = [await proxied(store.endpoint), await proxied(source)]
  const environment = {
    ...{ KAFKA_BROKERS: kafka.bootstrap, HTTP_PORT: '0', SOURCE_URL: wayToSource.url },
    ...{ CHECKPOINT_URL: `s3://${s3.bucket}/chaos`, AWS_ENDPOINT_URL_S3: wayToStore.url, AWS_REGION: s3.region },
    ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
  }
  const processes: Started[] = []
  const start = (skewMs = 0) => {
    const skewed = skewMs === 0 ? {} : { CLOCK_SKEW_MS: `${skewMs}`, NODE_OPTIONS: `--import=${skewedClock}` }
    const process = startConnector(['run', '--config', config], { ...environment, ...skewed })
    processes.push({ process, rightTime: Date.now() + skewMs })
  }
  start()
  const latest = () => {
    const last = processes.at(-1)?.process
    if (last === undefined) throw new Error(`${name} was never started`)
    return last
  }
  return {
    ...{ name, store, start, process: latest },
    ways: { kafka: kafka.proxies, s3: [wayToStore.proxy], source: [wayToSource.proxy] },
    outputs: () => processes.map(({ process }) => process.output()),
    wrongClocks: () => processes.flatMap((started) => wrongClock(started)),
    close: async () => {
      await latest().kill()
      await closing.close()
    },
  }
}

interface Started {
  readonly process: ConnectorProcess
  /** By its own clock, when it was started. */
  readonly rightTime: number
}

/** Far less than a clock is put wrong by, far more than a start takes. */
const TOLERANCE_MS = 600_000

function wrongClock({ process, rightTime }: Started): string[] {
  const told = process.lines()[0]?.time
  if (told === undefined) return [] // killed before it wrote anything
  const offMs = Date.parse(`${told}`) - rightTime
  return Math.abs(offMs) < TOLERANCE_MS ? [] : [`its clock is off by ${offMs} ms from what it was given`]
}

const skewedClock = new URL('../support/skewed-clock.ts', import.meta.url).href
