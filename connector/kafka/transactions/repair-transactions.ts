import type { OpenTransaction, RecordRepair, RepairPlan } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { retry } from '../../runtime/retry.ts'
import { withConnection } from '../kafka-connection.ts'
import { hasKafkaCode, KafkaCode } from '../kafka-errors.ts'
import type { ProducerIdentity } from '../kafkajs/cluster.ts'
import {
  type Cluster,
  type Coordinator,
  clusterOf,
  GROUP_COORDINATOR,
  TRANSACTION_COORDINATOR,
} from '../kafkajs/cluster.ts'
import { recordOffsets } from './commit-record.ts'
import { readKafkaState } from './kafka-state.ts'
import { disconnectNow, type TransactionalProducer } from './transactional-producer.ts'

/**
 * See `StreamProducer`. All other producers are fenced, so only this one can end the transactions open under its
 * producer id.
 */
export async function repairTransactions(
  producer: TransactionalProducer,
  { hanging, as, record }: RepairPlan,
  stop: AbortSignal,
): Promise<void> {
  try {
    if (hanging.length > 0) await endHangingTransactions(producer, { hanging, as }, stop)
    if (record.kind !== 'none') await repairRecord(producer, record, stop)
    await confirmRepair(producer, record, stop)
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
  { hanging, as }: { hanging: readonly OpenTransaction[]; as: RepairPlan['as'] },
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

/** Does the same for the partition of `__consumer_offsets` that stores the commit record. */
async function repairRecord(
  producer: TransactionalProducer,
  record: Exclude<RecordRepair, { kind: 'none' }>,
  stop: AbortSignal,
): Promise<void> {
  const { group: groupId } = producer.place
  const add = async ({ cluster, coordinator, identity }: RepairContext) => {
    await coordinator.addOffsetsToTxn({ ...identity, groupId })
    if (record.kind === 'drop') return
    const groupCoordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
    const { topics } = recordOffsets(producer.place, record.record)
    await groupCoordinator.txnOffsetCommit({ ...identity, groupId, topics })
  }
  const operation = `${record.kind} the commit record of group ${groupId}`
  await emptyTransaction(producer, { operation, add, isCommitted: record.kind === 'rewrite' }, stop)
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
async function confirmRepair(producer: TransactionalProducer, record: RecordRepair, stop: AbortSignal): Promise<void> {
  const { topics, place, identity, coordinator: finder, clock } = producer
  const request = { topics, place, producerIds: [identity.producerId], finder }
  using limit = clock.deadline(producer.config.timeouts.commitWithinMs, stop)
  for (let pauseMs = 10; ; pauseMs *= 2) {
    const { stored, open } = await readKafkaState(producer, request, limit.signal)
    const isRewritten = record.kind !== 'rewrite' || stored.record?.nonce === record.record.nonce
    if (open.length === 0 && !stored.isUnstable && isRewritten) return
    await clock.sleep(pauseMs, limit.signal)
  }
}
