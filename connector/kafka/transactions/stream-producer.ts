import type { Admin, Producer } from 'kafkajs'
import type { OpenOptions, StreamProducer } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { readTopics, type Topics } from '../admin/topics.ts'
import type { KafkaClient } from '../kafka-client.ts'
import { topicNames } from '../kafka-config.ts'
import { closeConnection, destroyConnection, withAdmin, withinCommitLimit } from '../kafka-connection.ts'
import { publishError } from '../kafka-errors.ts'
import { kafkaTimes } from '../kafka-times.ts'
import { withIdentity } from '../kafkajs/transaction-requests.ts'
import { mustNotBeFenced } from './empty-transaction.ts'
import { readKafkaState } from './kafka-state.ts'
import { repairTransactions } from './repair-transactions.ts'
import { beginTransaction } from './transaction.ts'
import {
  abortAndDisconnect,
  markClosed,
  type ProducerParts,
  type TransactionalProducer,
} from './transactional-producer.ts'

/**
 * Opens a transactional producer. InitProducerId fences every other producer of this transactional id and ends its
 * transaction. Rejects with `publish.*`, `checkpoint.topic-lost` or the reason of `stop`.
 */
export async function openStreamProducer(
  parts: ProducerParts,
  options: OpenOptions,
  stop: AbortSignal,
): Promise<StreamProducer> {
  const { transactionalId, recordGroup: group } = parts.names
  const topics = await openTopics(parts, options, stop)
  const client = parts.connect()
  const kafkajs = newProducer(parts, client)
  try {
    const { identity, coordinator, result: unused } = await withinCommitLimit(parts, () => initialized(kafkajs), stop)
    const state = { kind: 'idle', isBegun: false, unused } as const
    const place = { group, topic: topics.events.topic }
    return producerOf({ ...parts, client, kafkajs, topics, place, identity, coordinator, state })
  } catch (error) {
    destroyConnection({ client, disconnect: kafkajs.disconnect })
    stop.throwIfAborted()
    const needs = { TRANSACTIONAL_ID_AUTHORIZATION_FAILED: `WRITE on transactional id ${transactionalId}` }
    throw publishError(`open transactional id ${transactionalId}`, error, needs)
  }
}

/** Reads the topics of the stream; creates missing ones if allowed. */
function openTopics(parts: ProducerParts, options: OpenOptions, stop: AbortSignal): Promise<Topics> {
  const { clock, config } = parts
  const work = (admin: Admin) => readTopics(admin, { ...options, config: config.topic }, { clock, stop })
  return withAdmin(parts, { operation: `open topics ${topicNames(config.topic).join(', ')}`, work }, stop)
}

/** Without `idempotent`, which sends another InitProducerId; `transaction` enforces idempotence and acks=all anyway. */
function newProducer({ names }: ProducerParts, { kafka }: KafkaClient): Producer {
  return kafka.producer({
    transactionalId: names.transactionalId,
    transactionTimeout: kafkaTimes.transactionMs,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: () => partitionAlreadyChosen,
  })
}

const partitionAlreadyChosen = ({ message }: { message: { partition?: number } }): number => {
  if (message.partition === undefined) throw new ConnectorError('bug', 'publish: a record has no partition')
  return message.partition
}

async function initialized(producer: Producer) {
  await producer.connect()
  return await withIdentity(() => producer.transaction())
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
    repairTransactions: (plan, stop) => repairTransactions(producer, plan, stop),
    begin: (finish) => beginTransaction(producer, finish),
    mustNotBeFenced: (finish) => mustNotBeFenced(producer, finish),
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
