import { closeConnection, destroyConnection, fencedAsFailed } from '../kafka/kafka-connection.ts'
import { KafkaCode, publishError } from '../kafka/kafka-errors.ts'
import type { Topics } from '../kafka/topics.ts'
import { untilAborted } from '../runtime/abort.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { AtLeastOnceProducer, OpenOptions, PublisherTransaction } from './event-publisher.ts'
import {
  type KafkaProducer,
  openKafkaProducer,
  openTopics,
  type ProducerParts,
  publishing,
  sendRecords,
} from './kafka-producer.ts'
import { readKafkaState } from './kafka-state.ts'

interface IdempotentProducer extends ProducerParts, KafkaProducer {
  readonly topics: Topics
  isInTransaction: boolean
  /**
   * Set once the producer is closed. An error closes it too: kafkajs may then reuse sequence numbers, and the broker
   * would drop new records as duplicates.
   */
  closing: Promise<void> | undefined
}

/**
 * Opens an idempotent producer without transactions, with acks=all. It fences no other producer and writes no commit
 * record.
 */
export async function openAtLeastOnceProducer(
  parts: ProducerParts,
  options: OpenOptions,
  stop: AbortSignal,
): Promise<AtLeastOnceProducer> {
  const topics = await openTopics(parts, options, stop)
  try {
    const opened = await openKafkaProducer(parts, { idempotent: true, start: async () => undefined }, stop)
    return producerOf({ ...parts, ...opened, topics, isInTransaction: false, closing: undefined })
  } catch (error) {
    stop.throwIfAborted()
    const needs = { [KafkaCode.CLUSTER_AUTHORIZATION_FAILED]: 'IDEMPOTENT_WRITE on the cluster' }
    throw fencedAsFailed(publishError('open an idempotent producer', error, needs))
  }
}

function producerOf(producer: IdempotentProducer): AtLeastOnceProducer {
  const { topics, names } = producer
  const place = { group: names.recordGroup, topic: topics.events.topic }
  return {
    delivery: 'at-least-once',
    readKafkaState: (_, stop) => readKafkaState(producer, { topics, place, exactlyOnce: undefined }, stop),
    begin: (finish) => {
      if (producer.closing !== undefined) throw new ConnectorError('bug', 'begin a transaction: the producer is closed')
      if (producer.isInTransaction) throw new ConnectorError('bug', 'begin a transaction: another transaction is open')
      producer.isInTransaction = true
      return idempotentBatch(producer, finish)
    },
    close: () => {
      const { client, kafkajs } = producer
      producer.closing ??= closeConnection(producer, { client, disconnect: kafkajs.disconnect })
      return producer.closing
    },
  }
}

/** Records are visible as soon as `send` resolves: `commit` only checks that it did, and disposal aborts nothing. */
function idempotentBatch(producer: IdempotentProducer, finish: AbortSignal): PublisherTransaction {
  const { clock, config } = producer
  let isSent = false
  return {
    send: async (records) => {
      if (producer.closing !== undefined) throw new ConnectorError('publish.failed', 'publish: the producer is closed')
      using limit = clock.deadline(config.timeouts.commitWithinMs, finish)
      try {
        limit.signal.throwIfAborted()
        const parts = { ...producer, isGivenUp: () => producer.closing !== undefined }
        await untilAborted(limit.signal, sendRecords(parts, records, producer.kafkajs.send))
        isSent = true
      } catch (error) {
        destroyConnection({ client: producer.client, disconnect: producer.kafkajs.disconnect })
        producer.closing ??= Promise.resolve()
        const operation = publishing(records.length, config.topic.events)
        if (limit.signal.aborted)
          throw new ConnectorError('publish.failed', `${operation}: timed out`, { cause: error })
        throw fencedAsFailed(publishError(operation, error))
      }
    },
    commit: async () => {
      if (!isSent) throw new ConnectorError('publish.failed', 'commit: not all events are in the topic')
    },
    [Symbol.asyncDispose]: async () => {
      producer.isInTransaction = false
    },
  }
}
