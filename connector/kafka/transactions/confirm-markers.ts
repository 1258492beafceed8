import { untilAborted } from '../../runtime/abort.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { publishError } from '../kafka-errors.ts'
import { describeOpenTransactions } from '../kafkajs/newer-requests.ts'
import type { WrittenPartitions } from '../kafkajs/transaction-requests.ts'
import { disconnectNow, type TransactionalProducer } from './transactional-producer.ts'

/** Much longer than Kafka needs to write the markers of a transaction when nothing fails. */
const CONFIRMED_WITHIN_MS = 5_000
const LONGEST_PAUSE_MS = 50

/**
 * Waits until the leaders of these partitions report no open transaction of this producer; only then does a commit
 * count. Kafka may lose a transaction marker (docs/decisions/20261126-recovery.md), and a later abort would then
 * discard the committed records.
 */
export async function confirmMarkers(
  producer: TransactionalProducer,
  written: readonly WrittenPartitions[],
  finish: AbortSignal,
): Promise<void> {
  const { clock, identity } = producer
  const isOpenIn = async ({ leader, topic, partitions }: WrittenPartitions) => {
    const open = await describeOpenTransactions(leader, { topic, partitions: [...partitions] })
    return open.some(({ producerId }) => producerId === identity.producerId)
  }
  using limit = clock.deadline(CONFIRMED_WITHIN_MS, finish)
  try {
    for (let pauseMs = 1; ; pauseMs *= 2) {
      const open = await untilAborted(limit.signal, Promise.all(written.map(isOpenIn)))
      if (!open.includes(true)) return
      await clock.sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), limit.signal)
    }
  } catch (error) {
    disconnectNow(producer)
    const { message } = publishError(`confirm the commit of ${producer.names.transactionalId}`, error)
    throw new ConnectorError('publish.outcome-unknown', `${message}: unknown whether all partitions have its marker`, {
      cause: error,
    })
  }
}
