import type { RepairPlan } from '../../publish/event-publisher.ts'
import { untilAborted } from '../../runtime/abort.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { retry } from '../../runtime/retry.ts'
import { TRANSACTION_COORDINATOR } from '../cluster.ts'
import { withinTransactionLimit } from '../kafka-connection.ts'
import { publishError, transactionError } from '../kafka-errors.ts'
import { describeOpenTransactions } from '../kafkajs/newer-requests.ts'
import { type LedPartitions, leadersOf, type TopicPartitions } from '../reading/partition-reads.ts'
import { disconnectNow, type TransactionalProducer } from './transactional-producer.ts'

/** The markers must be confirmed within this time. Kafka needs much less to write them when nothing fails. */
const CONFIRMED_WITHIN_MS = 5_000
const LONGEST_PAUSE_MS = 50

/**
 * Waits until the leaders of these partitions report no open transaction of this producer; only then does a commit
 * count. Kafka may lose a transaction marker (docs/decisions/20261126-recovery.md), and a later abort would then
 * discard the committed records. A rejection closes the producer. `finish` is the signal that aborts at the deadline of
 * the delivery, or `stop` of an opening or a command.
 */
export async function confirmMarkers(
  producer: TransactionalProducer,
  partitionsByTopic: readonly TopicPartitions[],
  finish: AbortSignal,
): Promise<void> {
  const { clock, identity, cluster } = producer
  const isOpenIn = async ({ broker, ...ledPartitions }: LedPartitions) => {
    const open = await describeOpenTransactions(broker, ledPartitions)
    return open.some(({ producerId }) => producerId === identity.producerId)
  }
  using deadline = clock.deadline(CONFIRMED_WITHIN_MS, finish)
  try {
    const leaderSearch = Promise.all(partitionsByTopic.map((topicPartitions) => leadersOf(cluster, topicPartitions)))
    const leaders = (await untilAborted(deadline.signal, leaderSearch)).flat()
    for (let pauseMs = 1; ; pauseMs *= 2) {
      const openAnswers = await untilAborted(deadline.signal, Promise.all(leaders.map(isOpenIn)))
      if (!openAnswers.includes(true)) return
      await clock.sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), deadline.signal)
    }
  } catch (error) {
    disconnectNow(producer)
    const { message } = publishError(`confirm the markers of ${producer.names.transactionalId}`, error)
    throw new ConnectorError('publish.outcome-unknown', `${message}: unknown whether all partitions have theirs`, {
      cause: error,
    })
  }
}

/**
 * Implements `StreamProducer.repairTransactions`. All other producers are fenced, so only this one can end the
 * transactions that are open under its producer id.
 */
export async function repairTransactions(
  producer: TransactionalProducer,
  { hangingTransactions, outcome }: RepairPlan,
  stop: AbortSignal,
): Promise<void> {
  const hangingByTopic = [...Map.groupBy(hangingTransactions, ({ topic }) => topic)]
  const topics = hangingByTopic.map(([topic, transactions]) => ({
    topic,
    partitions: transactions.map(({ partition }) => partition),
  }))
  const operation = `end hanging transactions in ${hangingTransactions.length} partitions as ${outcome}`
  // The marker of an otherwise empty transaction ends everything that the producer id has open in its partitions.
  await endEmptyTransaction(producer, { operation, topics, outcome }, stop)
  // The markers of a repair may be lost too, so nothing is published before they are confirmed.
  await confirmMarkers(producer, [producer.topics.events, producer.topics.deadLetters], stop)
}

/**
 * Implements `StreamProducer.mustNotBeFenced`. Kafka itself is asked: only a transaction of this producer shows whether
 * it is still the newest. `finish` is the signal that aborts at a deadline, or `stop` of a command.
 */
export function mustNotBeFenced(producer: TransactionalProducer, finish: AbortSignal): Promise<void> {
  const operation = `confirm that ${producer.names.transactionalId} was not fenced`
  const topics = [{ topic: producer.topics.events.topic, partitions: [0] }]
  return endEmptyTransaction(producer, { operation, topics, outcome: 'aborted' }, finish)
}

interface EmptyTransaction {
  readonly operation: string
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  readonly outcome: 'committed' | 'aborted'
}

/** The broker answers CONCURRENT_TRANSACTIONS while it writes the markers of the previous transaction. */
const markersRetry = { retries: 10, firstPauseMs: 20, maxPauseMs: 500, maxRetryAfterMs: 0 }

/**
 * Adds the partitions to an otherwise empty transaction and ends it. Rejects with `publish.fenced` if another producer
 * was opened. A rejection closes the producer.
 */
async function endEmptyTransaction(
  producer: TransactionalProducer,
  { operation, topics, outcome }: EmptyTransaction,
  finish: AbortSignal,
) {
  const { transactionalId } = producer.names
  const identity = { transactionalId, ...producer.identity }
  const rejectWithCode = (error: unknown) => Promise.reject(transactionError(operation, error))
  const work = async () => {
    const query = { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR } as const
    const coordinator = await producer.cluster.findGroupCoordinator(query)
    const addPartitions = () => coordinator.addPartitionsToTxn({ ...identity, topics }).catch(rejectWithCode)
    await retry(addPartitions, { clock: producer.clock, policy: markersRetry, onRetry: () => undefined }, finish)
    await coordinator.endTxn({ ...identity, transactionResult: outcome === 'committed' })
  }
  try {
    await withinTransactionLimit(producer, work, finish)
  } catch (error) {
    disconnectNow(producer)
    finish.throwIfAborted()
    throw transactionError(operation, error)
  }
}
