import type { RepairPlan } from '../../publish/event-publisher.ts'
import { kafkaTimes } from '../kafka-times.ts'
import { endEmptyTransaction } from './empty-transaction.ts'
import { readKafkaState } from './kafka-state.ts'
import { disconnectNow, type TransactionalProducer } from './transactional-producer.ts'

/**
 * See `StreamProducer`. All other producers are fenced, so only this one can end the transactions open under its
 * producer id.
 */
export async function repairTransactions(
  producer: TransactionalProducer,
  { hanging, as }: RepairPlan,
  stop: AbortSignal,
): Promise<void> {
  const topics = [...new Set(hanging.map(({ topic }) => topic))].map((topic) => ({
    topic,
    partitions: hanging.filter((one) => one.topic === topic).map(({ partition }) => partition),
  }))
  const operation = `end hanging transactions in ${hanging.length} partitions as ${as}`
  // The marker of an otherwise empty transaction ends everything that the producer id has open in its partitions.
  await endEmptyTransaction(producer, { operation, topics, as }, stop)
  try {
    await confirmRepair(producer, stop)
  } catch (error) {
    disconnectNow(producer)
    throw error
  }
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
