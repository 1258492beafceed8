import { ConnectorError } from '../../runtime/connector-error.ts'
import { retry } from '../../runtime/retry.ts'
import { withConnection } from '../kafka-connection.ts'
import { classifyKafkaError, hasKafkaError } from '../kafka-errors.ts'
import { type Cluster, clusterOf, TRANSACTION_COORDINATOR } from '../kafkajs/cluster.ts'
import { disconnectNow, type TransactionalProducer } from './transactional-producer.ts'

interface EmptyTransaction {
  readonly operation: string
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  readonly as: 'committed' | 'aborted'
}

/** For CONCURRENT_TRANSACTIONS, while Kafka writes the markers of the previous transaction. */
const markersRetry = { retries: 10, firstPauseMs: 20, maxPauseMs: 500, maxRetryAfterMs: 0 }

/**
 * Adds the partitions to an otherwise empty transaction and ends it. Rejects with `publish.fenced` if another producer
 * was opened. A rejection closes the producer.
 */
export async function endEmptyTransaction(
  producer: TransactionalProducer,
  { operation, topics, as }: EmptyTransaction,
  stop: AbortSignal,
): Promise<void> {
  const { transactionalId } = producer.names
  const identity = { transactionalId, ...producer.identity }
  const work = async (cluster: Cluster) => {
    const query = { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR } as const
    const coordinator = await cluster.findGroupCoordinator(query)
    const add = () =>
      coordinator.addPartitionsToTxn({ ...identity, topics }).catch((error) => {
        if (!hasKafkaError(error, 'CONCURRENT_TRANSACTIONS')) throw error
        throw new ConnectorError('publish.failed', `${operation}: CONCURRENT_TRANSACTIONS`, { cause: error })
      })
    await retry(add, { clock: producer.clock, policy: markersRetry, onRetry: () => undefined }, stop)
    await coordinator.endTxn({ ...identity, transactionResult: as === 'committed' })
  }
  const named = (cluster: Cluster) =>
    work(cluster).catch((error: unknown) => {
      if (classifyKafkaError(error) !== 'publish.fenced') throw error
      throw new ConnectorError('publish.fenced', `${operation}: another producer was opened`, { cause: error })
    })
  try {
    await withConnection(producer, { operation, open: clusterOf, work: named }, stop)
  } catch (error) {
    disconnectNow(producer)
    throw error
  }
}

/** See `StreamProducer`. Kafka itself is asked: only a transaction of this producer shows whether it is still the newest. */
export function mustNotBeFenced(producer: TransactionalProducer, finish: AbortSignal): Promise<void> {
  const operation = `confirm that ${producer.names.transactionalId} was not fenced`
  const topics = [{ topic: producer.topics.events.topic, partitions: [0] }]
  return endEmptyTransaction(producer, { operation, topics, as: 'aborted' }, finish)
}
