import {
  type EventPublisher,
  type OpenOptions,
  type StreamProducer,
  streamNames,
} from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { readTopics, type Topics } from '../admin/topics.ts'
import { type KafkaClient, type KafkaLog, kafkaClient } from '../kafka-client.ts'
import { type KafkaConfig, topicNames } from '../kafka-config.ts'
import { closeConnection, destroyConnection, onCluster, withinCommitLimit } from '../kafka-connection.ts'
import { transactionError } from '../kafka-errors.ts'
import { kafkaTimes, retryOptions } from '../kafka-times.ts'
import type { Cluster } from '../kafkajs/cluster.ts'
import { initialized, producerOn } from '../kafkajs/producer.ts'
import { readKafkaState } from './kafka-state.ts'
import { mustNotBeFenced, repairTransactions } from './markers.ts'
import { beginTransaction } from './transaction.ts'
import {
  abortAndDisconnect,
  markClosed,
  type ProducerParts,
  type TransactionalProducer,
} from './transactional-producer.ts'

interface KafkaEventPublisherParts {
  readonly connector: string
  readonly stream: string
  readonly clock: Clock
  readonly log: KafkaLog
}

/** Connects only in `open`; `close` closes every producer that is still open. */
export function kafkaEventPublisher(
  config: KafkaConfig,
  { connector, stream, clock, log }: KafkaEventPublisherParts,
): EventPublisher & { close(): Promise<void> } {
  const names = streamNames(connector, stream)
  const connect = () => kafkaClient(config, { clientId: names.clientId, pace: 'stream', log, clock })
  const producers = new Set<StreamProducer>()
  return {
    open: async (options, stop) => {
      const producer = await openStreamProducer({ config, names, clock, connect }, options, stop)
      producers.add(producer)
      return { ...producer, close: () => producer.close().finally(() => producers.delete(producer)) }
    },
    close: async () => void (await Promise.all([...producers].map((producer) => producer.close()))),
  }
}

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
  const { producer: kafkajs, cluster } = newProducer(parts, client)
  try {
    const identified = await withinCommitLimit(parts, () => initialized(kafkajs), stop)
    const state = { kind: 'idle' } as const
    const place = { group, topic: topics.events.topic }
    return producerOf({ ...parts, client, kafkajs, cluster, topics, place, ...identified, state })
  } catch (error) {
    destroyConnection({ client, disconnect: kafkajs.disconnect })
    stop.throwIfAborted()
    const needs = { TRANSACTIONAL_ID_AUTHORIZATION_FAILED: `WRITE on transactional id ${transactionalId}` }
    throw transactionError(`open transactional id ${transactionalId}`, error, needs)
  }
}

/** Reads the topics of the stream; creates missing ones if allowed. */
function openTopics(parts: ProducerParts, options: OpenOptions, stop: AbortSignal): Promise<Topics> {
  const { clock, config } = parts
  const work = (cluster: Cluster) => readTopics(cluster, { ...options, config: config.topic }, { clock, stop })
  return onCluster(parts, { operation: `open topics ${topicNames(config.topic).join(', ')}`, work }, stop)
}

/** Without `idempotent`, which sends another InitProducerId; `transaction` enforces idempotence and acks=all anyway. */
function newProducer({ names }: ProducerParts, { kafka }: KafkaClient) {
  return producerOn(kafka, {
    transactionalId: names.transactionalId,
    transactionTimeout: kafkaTimes.transactionMs,
    retry: retryOptions('stream'),
    createPartitioner: () => () => {
      throw new ConnectorError('bug', 'publish: a record has no partition') // see `ownMessages`
    },
  })
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
