import type { Admin, Kafka } from 'kafkajs'
import { untilAborted } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type RetryPolicy, retry } from '../runtime/retry.ts'
import type { KafkaClient } from './kafka-client.ts'
import { type NeededAcls, publishError } from './kafka-errors.ts'
import { kafkaTimes } from './kafka-times.ts'
import { type Cluster, clusterOf } from './kafkajs/cluster.ts'

/** The dependencies of an admin connection. */
export interface AdminParts {
  readonly clock: Clock
  /** Returns a new client each time, so each can be disconnected separately. */
  readonly connect: () => KafkaClient
}

/** Opens an admin connection, runs `work` and closes it. Rejects with `publish.*` or the reason of `stop`. */
export function withAdmin<Result>(
  parts: AdminParts,
  use: { operation: string; needs?: NeededAcls; work: (admin: Admin) => Promise<Result> },
  stop: AbortSignal,
): Promise<Result> {
  return withConnection(parts, { ...use, open: (kafka) => kafka.admin() }, stop)
}

/** Connects with `open` on a new client, runs `work`, disconnects. Rejects with `publish.*` or the reason of `stop`. */
export async function withConnection<Opened extends Pick<Admin, 'connect' | 'disconnect'>, Result>(
  parts: AdminParts,
  use: {
    operation: string
    needs?: NeededAcls
    open: (kafka: Kafka) => Opened
    work: (opened: Opened) => Promise<Result>
    /** May take longer than a transaction. */
    isLong?: true
  },
  stop: AbortSignal,
): Promise<Result> {
  const client = parts.connect()
  const opened = use.open(client.kafka)
  const connectAndWork = async () => {
    await opened.connect()
    return await use.work(opened)
  }
  try {
    return await (use.isLong ? untilAborted(stop, connectAndWork()) : withinCommitLimit(parts, connectAndWork, stop))
  } catch (error) {
    stop.throwIfAborted()
    throw error instanceof ConnectorError ? error : fencedAsFailed(publishError(use.operation, error, use.needs))
  } finally {
    void closeConnection(parts, { client, disconnect: () => opened.disconnect() })
  }
}

/** Gives `work` as much time as a transaction. Rejects with a `TimeoutError` or the reason of `stop`. */
export async function withinCommitLimit<Result>(
  { clock }: Pick<AdminParts, 'clock'>,
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
export async function closeConnection({ clock }: Pick<AdminParts, 'clock'>, connection: Connection): Promise<void> {
  using limit = clock.deadline(kafkaTimes.closeMs)
  await untilAborted(limit.signal, connection.disconnect()).catch(() => undefined)
  destroyConnection(connection)
}

/** Disconnects by force: requests in flight fail, and kafkajs cannot reconnect by itself. */
export function destroyConnection({ client, disconnect }: Connection): void {
  client.destroy()
  disconnect().catch(() => undefined)
}

/**
 * Outside of transactions there is no fencing: `publish.fenced` then means only that kafkajs does not know the broker's
 * error code.
 */
export function fencedAsFailed(error: ConnectorError): ConnectorError {
  return error.code === 'publish.fenced'
    ? new ConnectorError('publish.failed', error.message, { cause: error.cause })
    : error
}

/** A coordinator or leader that is new, has moved or is still loading serves requests after some seconds. */
const untilServed: RetryPolicy = { retries: 12, firstPauseMs: 100, maxPauseMs: 2_000, maxRetryAfterMs: 0 }

/** Sends single requests, on a new connection for each attempt. Rejects with `publish.*` or the reason of `stop`. */
export function withCluster<Result>(
  parts: AdminParts,
  use: { operation: string; needs: NeededAcls; work: (cluster: Cluster) => Promise<Result>; isLong?: true },
  stop: AbortSignal,
): Promise<Result> {
  const retrying = { clock: parts.clock, policy: untilServed, onRetry: () => undefined }
  return retry(() => withConnection(parts, { ...use, open: clusterOf }, stop), retrying, stop)
}
