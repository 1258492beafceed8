import { untilAborted } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type RetryPolicy, retry } from '../runtime/retry.ts'
import type { Cluster } from './cluster.ts'
import type { KafkaClient } from './kafka-client.ts'
import { type NeededAcls, publishError } from './kafka-errors.ts'
import { kafkaTimes } from './kafka-times.ts'
import { clusterOf } from './kafkajs/cluster.ts'

/** The dependencies of a connection. */
export interface ConnectionParts {
  readonly clock: Clock
  /** Returns a new client each time, so each can be disconnected separately. */
  readonly newClient: () => KafkaClient
}

interface ClusterUse<Result> {
  readonly operation: string
  readonly needs?: NeededAcls
  readonly work: (cluster: Cluster) => Promise<Result>
  /** Says that the work may take longer than a transaction. */
  readonly isLong?: true
}

/** Connects a new client, runs `work` and disconnects. Rejects with `publish.*` or the reason of `stop`. */
export async function tryOnCluster<Result>(
  parts: ConnectionParts,
  { operation, needs, work, isLong }: ClusterUse<Result>,
  stop: AbortSignal,
): Promise<Result> {
  const client = parts.newClient()
  const cluster = clusterOf(client.kafka)
  const connectAndWork = async () => {
    await cluster.connect()
    await cluster.refreshMetadata()
    return await work(cluster)
  }
  try {
    return await (isLong ? untilAborted(stop, connectAndWork()) : withinTransactionLimit(parts, connectAndWork, stop))
  } catch (error) {
    stop.throwIfAborted()
    throw error instanceof ConnectorError ? error : publishError(operation, error, needs)
  } finally {
    void closeConnection(parts, { client, disconnect: () => cluster.disconnect() })
  }
}

/** A coordinator or leader that is new, has moved or is still loading serves requests after some seconds. */
const untilServed: RetryPolicy = { retries: 12, firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 0 }

/** Does what `tryOnCluster` does, but tries again where that may help, on a new connection for each attempt. */
export function retryOnCluster<Result>(
  parts: ConnectionParts,
  use: ClusterUse<Result>,
  stop: AbortSignal,
): Promise<Result> {
  const retryParts = { clock: parts.clock, policy: untilServed, onRetry: () => undefined }
  return retry(() => tryOnCluster(parts, use, stop), retryParts, stop)
}

/** Gives `work` as much time as a transaction. Rejects with a `TimeoutError` or the reason of `stop`. */
export async function withinTransactionLimit<Result>(
  { clock }: ConnectionParts,
  work: () => Promise<Result>,
  stop: AbortSignal,
) {
  stop.throwIfAborted()
  using limit = clock.deadline(kafkaTimes.commitWithinMs, stop)
  return await untilAborted(limit.signal, work())
}

interface Connection {
  readonly client: KafkaClient
  readonly disconnect: () => Promise<void>
}

/** Disconnects gracefully within `closeMs`, then by force. Never rejects. */
export async function closeConnection({ clock }: ConnectionParts, connection: Connection): Promise<void> {
  using limit = clock.deadline(kafkaTimes.closeMs)
  await untilAborted(limit.signal, connection.disconnect()).catch(() => undefined)
  destroyConnection(connection)
}

/** Disconnects by force: requests in flight fail, and kafkajs cannot reconnect by itself. */
export function destroyConnection({ client, disconnect }: Connection): void {
  client.destroy()
  disconnect().catch(() => undefined)
}
