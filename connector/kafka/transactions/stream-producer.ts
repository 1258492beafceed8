import type { OpenOptions, StreamProducer } from '../../publish/event-publisher.ts'
import { closeConnection } from '../kafka-connection.ts'
import { KafkaCode, publishError } from '../kafka-errors.ts'
import { withIdentity } from '../kafkajs/producer-identity.ts'
import { readHangingEvent, scanEvents } from '../reading/scan-events.ts'
import { openKafkaProducer, openTopics, type ProducerParts } from './kafka-producer.ts'
import { readKafkaState } from './kafka-state.ts'
import { repairTransactions } from './repair-transactions.ts'
import { beginTransaction } from './transaction.ts'
import { abortAndDisconnect, markClosed, type TransactionalProducer } from './transactional-producer.ts'

/**
 * Opens a transactional producer. InitProducerId fences every other producer of this transactional id and ends its
 * transaction.
 */
export async function openStreamProducer(
  parts: ProducerParts,
  options: OpenOptions,
  stop: AbortSignal,
): Promise<StreamProducer> {
  const { config, names } = parts
  const topics = await openTopics(parts, options, stop)
  try {
    const transactionTimeout = config.timeouts.transactionMs
    // Without `idempotent`, which sends another InitProducerId; `transaction` enforces idempotence and acks=all anyway.
    const { started, ...opened } = await openKafkaProducer(
      parts,
      {
        transactionalId: names.transactionalId,
        transactionTimeout,
        start: (producer) => withIdentity(() => producer.transaction()),
      },
      stop,
    )
    const place = { group: names.recordGroup, topic: topics.events.topic }
    const { identity, coordinator, result: unused } = started
    const state = { kind: 'idle', isBegun: false, unused, usedAt: parts.clock.monotonic() } as const
    return producerOf({ ...parts, ...opened, topics, place, identity, coordinator, state })
  } catch (error) {
    stop.throwIfAborted()
    const needs = {
      [KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: `WRITE on transactional id ${names.transactionalId}`,
    }
    throw publishError(`open transactional id ${names.transactionalId}`, error, needs)
  }
}

function producerOf(producer: TransactionalProducer): StreamProducer {
  const { topics, place, identity, coordinator: finder } = producer
  const { producerId } = identity
  return {
    producerId,
    readKafkaState: ({ formerProducerId }, stop) => {
      const producerIds = [...new Set([producerId, formerProducerId ?? producerId])]
      return readKafkaState(producer, { topics, place, producerIds, finder }, stop)
    },
    scanEvents: (scan, stop) => scanEvents(producer, { ...scan, topic: topics.events }, stop),
    readHangingEvent: (open, stop) => readHangingEvent(producer, { topic: topics.events, open }, stop),
    repairTransactions: (plan, stop) => repairTransactions(producer, plan, stop),
    begin: (finish) => beginTransaction(producer, finish),
    close: () => close(producer),
  }
}

function close(producer: TransactionalProducer): Promise<void> {
  const { client, kafkajs, state } = producer
  switch (state.kind) {
    case 'closed':
      return state.released
    case 'active':
      return markClosed(producer, abortAndDisconnect(producer, state.active))
    case 'idle':
      return markClosed(producer, closeConnection(producer, { client, disconnect: kafkajs.disconnect }))
  }
}
