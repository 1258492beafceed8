import type { RepairPlan } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { retry } from '../../runtime/retry.ts'
import { withConnection } from '../kafka-connection.ts'
import { hasKafkaCode, KafkaCode } from '../kafka-errors.ts'
import { kafkaTimes } from '../kafka-times.ts'
import type { ProducerIdentity } from '../kafkajs/cluster.ts'
import { type Cluster, type Coordinator, clusterOf, TRANSACTION_COORDINATOR } from '../kafkajs/cluster.ts'
import { readKafkaState } from './kafka-state.ts'
import { disconnectNow, type TransactionalProducer } from './transactional-producer.ts'

/**
 * See `StreamProducer`. All other producers are fenced, so only this one can end the transactions open under its
 * producer id.
 */
export async function repairTransactions(
  producer: TransactionalProducer,
  plan: RepairPlan,
  stop: AbortSignal,
): Promise<void> {
  try {
    await endHangingTransactions(producer, plan, stop)
    await confirmRepair(producer, stop)
  } catch (error) {
    disconnectNow(producer)
    throw error
  }
}

/**
 * Adds the partitions to an otherwise empty transaction and ends it. Its marker ends everything that the producer id
 * has open in those partitions.
 */
async function endHangingTransactions(
  producer: TransactionalProducer,
  { hanging, as }: RepairPlan,
  stop: AbortSignal,
): Promise<void> {
  const topics = [...new Set(hanging.map(({ topic }) => topic))].map((topic) => ({
    topic,
    partitions: hanging.filter((one) => one.topic === topic).map(({ partition }) => partition),
  }))
  const add = ({ coordinator, identity }: RepairContext) => coordinator.addPartitionsToTxn({ ...identity, topics })
  const operation = `end hanging transactions in ${hanging.length} partitions as ${as}`
  await emptyTransaction(producer, { operation, add, isCommitted: as === 'committed' }, stop)
}

interface RepairContext {
  readonly cluster: Cluster
  /** The transaction coordinator. */
  readonly coordinator: Coordinator
  readonly identity: ProducerIdentity & { readonly transactionalId: string }
}

/** For CONCURRENT_TRANSACTIONS, while Kafka writes the markers of the previous transaction. */
const markersRetry = { retries: 10, firstPauseMs: 20, maxPauseMs: 500, maxRetryAfterMs: 0 }

async function emptyTransaction(
  producer: TransactionalProducer,
  of: { operation: string; add: (context: RepairContext) => Promise<unknown>; isCommitted: boolean },
  stop: AbortSignal,
): Promise<void> {
  const { transactionalId } = producer.names
  const identity = { transactionalId, ...producer.identity }
  const work = async (cluster: Cluster) => {
    const query = { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR } as const
    const coordinator = await cluster.findGroupCoordinator(query)
    const add = () =>
      of.add({ cluster, coordinator, identity }).catch((error) => {
        if (!hasKafkaCode(error, KafkaCode.CONCURRENT_TRANSACTIONS)) throw error
        throw new ConnectorError('publish.failed', `${of.operation}: CONCURRENT_TRANSACTIONS`, { cause: error })
      })
    await retry(add, { clock: producer.clock, policy: markersRetry, onRetry: () => undefined }, stop)
    await coordinator.endTxn({ ...identity, transactionResult: of.isCommitted })
  }
  await withConnection(producer, { operation: of.operation, open: clusterOf, work }, stop)
}

/**
 * Waits until the brokers report the repaired state: the markers of a repair may be lost too, so nothing is published
 * before that.
 */
async function confirmRepair(producer: TransactionalProducer, stop: AbortSignal): Promise<void> {
  const { topics, place, identity, coordinator: finder, clock } = producer
  const request = { topics, place, producerIds: [identity.producerId], finder }
  using limit = clock.deadline(kafkaTimes.commitWithinMs, stop)
  for (let pauseMs = 10; ; pauseMs *= 2) {
    const { open } = await readKafkaState(producer, request, limit.signal)
    if (open.length === 0) return
    await clock.sleep(pauseMs, limit.signal)
  }
}
