import { closeStack } from '../../connector/runtime/close-stack.ts'
import { type ConnectorProcess, shortTimes, startConnector } from '../support/connector-process.ts'
import type { KafkaRoute } from '../support/servers/kafka-broker.ts'
import { type S3Exchange, type S3FaultProxy, startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import type { S3Server } from '../support/servers/s3-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/servers/tcp-proxy.ts'
import { STREAMS } from './fault-plan.ts'

/** Shorter than the constants of the connector, in the same order: one pause of a fault exceeds all. */
export const chaosTimes = {
  run: { finishWithinMs: 9_000 },
  polaris: {
    timeouts: { connectMs: 2_000, answerMs: 4_000 },
    retry: { retries: 2, firstPauseMs: 200, maxPauseMs: 2_000 },
  },
  kafka: {
    transactionMs: 10_000,
    commitWithinMs: 7_000,
    closeMs: 1_000,
    patience: { stream: { connectionMs: 2_000, requestMs: 5_000 }, group: { connectionMs: 2_000, requestMs: 5_000 } },
  },
  checkpoint: { callWithinMs: 5_000, connectWithinMs: 500, answerWithinMs: 2_000 },
  placement: { create: { partitions: STREAMS } },
}

/** A replica through its restarts, and its own links to the servers, so that faults affect this replica only. */
export interface ChaosReplica {
  readonly name: string
  readonly links: {
    /** One proxy per broker. */
    readonly kafka: readonly TcpProxy[]
    readonly s3: readonly TcpProxy[]
    readonly source: readonly TcpProxy[]
  }
  /** Behind the S3 link: for faults that depend on the request. */
  readonly store: S3FaultProxy
  /** The latest process. */
  process(): ConnectorProcess
  /** Starts the next process; its clock is wrong by `skewMs`. */
  start(skewMs?: number): void
  /** The output of each process. */
  outputs(): readonly string[]
  /** Kills the process (SIGKILL) and closes the links. */
  close(): Promise<void>
}

export interface ReplicaParts {
  readonly name: string
  readonly kafka: KafkaRoute
  readonly s3: S3Server
  readonly source: string
  readonly config: string
  readonly onExchange: (exchange: S3Exchange) => void
}

/** Resolves once the first process is started. */
export async function chaosReplica(parts: ReplicaParts): Promise<ChaosReplica> {
  const { name, kafka, s3, source, config, onExchange } = parts
  const closing = closeStack()
  const proxied = async (url: string) => {
    const proxy = closing.use(await startTcpProxy({ target: Number(new URL(url).port) }), (one) => one.close())
    return { proxy, url: Object.assign(new URL(url), { port: `${proxy.port}` }).href }
  }
  const store = closing.use(await startS3FaultProxy({ target: s3.endpoint, onExchange }), (one) => one.close())
  const storeLink = await proxied(store.endpoint)
  const sourceLink = await proxied(source)
  const processes: ConnectorProcess[] = []
  const start = (skewMs = 0) => {
    const skewed = skewMs === 0 ? {} : { CLOCK_SKEW_MS: `${skewMs}`, NODE_OPTIONS: `--import=${skewedClock}` }
    processes.push(
      startConnector(['run', '--config', config], {
        ...shortTimes(chaosTimes),
        KAFKA_BROKERS: kafka.bootstrap,
        HTTP_PORT: '0',
        SOURCE_URL: sourceLink.url,
        ...storeVariables(s3, storeLink.url),
        ...skewed,
      }),
    )
  }
  start()
  const latest = () => {
    const last = processes.at(-1)
    if (last === undefined) throw new Error(`${name} was never started`)
    return last
  }
  return {
    name,
    store,
    start,
    process: latest,
    links: { kafka: kafka.proxies, s3: [storeLink.proxy], source: [sourceLink.proxy] },
    outputs: () => processes.map((process) => process.output()),
    close: async () => {
      await latest().kill()
      await closing.close()
    },
  }
}

/** Environment variables that name the store and its credentials. */
export function storeVariables(s3: S3Server, endpoint: string): Record<string, string> {
  const { bucket, region, accessKeyId, secretAccessKey } = s3
  return {
    CHECKPOINT_URL: `s3://${bucket}/chaos`,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }
}

const skewedClock = new URL('../support/preloaded/skewed-clock.ts', import.meta.url).href
