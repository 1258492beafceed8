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

/** Adds the partitions to an otherwise empty transaction and ends it. Resolves to whether another producer was opened. */
export function endEmptyTransaction(
  producer: TransactionalProducer,
  { operation, topics, as }: EmptyTransaction,
  stop: AbortSignal,
): Promise<'ended' | 'fenced'> {
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
    try {
      await retry(add, { clock: producer.clock, policy: markersRetry, onRetry: () => undefined }, stop)
      await coordinator.endTxn({ ...identity, transactionResult: as === 'committed' })
    } catch (error) {
      if (classifyKafkaError(error) === 'publish.fenced') return 'fenced'
      throw error
    }
    return 'ended'
  }
  return withConnection(producer, { operation, open: clusterOf, work }, stop)
}

/** See `StreamProducer`. Kafka itself is asked: only a transaction of this producer shows whether it is still the newest. */
export async function mustNotBeFenced(producer: TransactionalProducer, finish: AbortSignal): Promise<void> {
  const { events } = producer.topics
  const operation = `confirm that ${producer.names.transactionalId} was not fenced`
  const topics = [{ topic: events.topic, partitions: [0] }]
  try {
    const outcome = await endEmptyTransaction(producer, { operation, topics, as: 'aborted' }, finish)
    if (outcome === 'fenced') throw new ConnectorError('publish.fenced', `${operation}: another producer was opened`)
  } catch (error) {
    disconnectNow(producer)
    throw error
  }
}
