import {
  type EventPublisher,
  type OpenOptions,
  type StreamProducer,
  streamNames,
} from '../../publish/event-publisher.ts'
import { untilAborted } from '../../runtime/abort.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { openTopics } from '../admin/topics.ts'
import type { Cluster } from '../cluster.ts'
import { type KafkaClient, kafkaClient } from '../kafka-client.ts'
import { type KafkaConfig, topicNames } from '../kafka-config.ts'
import { closeConnection, destroyConnection, tryOnCluster, withinTransactionLimit } from '../kafka-connection.ts'
import { transactionError } from '../kafka-errors.ts'
import { kafkaTimes, retryOptions } from '../kafka-times.ts'
import { initializeProducer, producerOn } from '../kafkajs/cluster.ts'
import { fetchMetadata } from '../kafkajs/newer-requests.ts'
import { readKafkaState } from './kafka-state.ts'
import { mustNotBeFenced, repairTransactions } from './markers.ts'
import { beginTransaction } from './transaction.ts'
import {
  abortAndDisconnect,
  markClosed,
  type ProducerParts,
  type TransactionalProducer,
} from './transactional-producer.ts'

/** Returns the publisher of a stream, which connects only in `open`. */
export function kafkaEventPublisher(
  config: KafkaConfig,
  { connector, stream, clock }: { connector: string; stream: string; clock: Clock },
): EventPublisher {
  const names = streamNames(connector, stream)
  const newClient = () => kafkaClient(config, { clientId: names.clientId, patience: 'stream', clock })
  return { open: (options, stop) => openStreamProducer({ config, names, clock, newClient }, options, stop) }
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
  const { config, clock, names } = parts
  const { transactionalId, recordGroup: group } = names
  const work = (cluster: Cluster) => openTopics(cluster, { ...options, config: config.topic }, { clock, stop })
  const topics = await tryOnCluster(
    parts,
    { operation: `open topics ${topicNames(config.topic).join(', ')}`, work },
    stop,
  )
  const client = parts.newClient()
  const { kafkajsProducer, cluster } = newProducer(parts, client)
  try {
    const initialization = await withinTransactionLimit(parts, () => initializeProducer(kafkajsProducer, cluster), stop)
    const state = { kind: 'idle' } as const
    const recordPlace = { group, topic: topics.events.topic }
    return streamProducer({ ...parts, client, kafkajsProducer, cluster, topics, recordPlace, ...initialization, state })
  } catch (error) {
    destroyConnection({ client, disconnect: kafkajsProducer.disconnect })
    stop.throwIfAborted()
    const neededAcls = { TRANSACTIONAL_ID_AUTHORIZATION_FAILED: `WRITE on transactional id ${transactionalId}` }
    throw transactionError(`open transactional id ${transactionalId}`, error, neededAcls)
  }
}

/**
 * Makes a producer without `idempotent`, which would send another InitProducerId; `transaction` enforces idempotence
 * and acks=all anyway.
 */
function newProducer({ names }: ProducerParts, { kafka }: KafkaClient) {
  return producerOn(kafka, {
    transactionalId: names.transactionalId,
    transactionTimeout: kafkaTimes.transactionMs,
    retry: retryOptions('stream'),
    createPartitioner: () => () => {
      // `ownMessages` gives every record its partition, so kafkajs never asks for one.
      throw new ConnectorError('bug', 'publish: a record has no partition')
    },
  })
}

function streamProducer(producer: TransactionalProducer): StreamProducer {
  const { topics, recordPlace, identity, coordinatorFinder } = producer
  const { producerId } = identity
  return {
    producerId,
    readKafkaState: ({ formerProducerId }, stop) => {
      const producerIds = [...new Set([producerId, formerProducerId ?? producerId])]
      return readKafkaState(producer, { topics, recordPlace, producerIds, coordinatorFinder }, stop)
    },
    repairTransactions: (plan, stop) => repairTransactions(producer, plan, stop),
    begin: (finish) => beginTransaction(producer, finish),
    mustNotBeFenced: (finish) => mustNotBeFenced(producer, finish),
    mustHaveItsTopic: topicCheck(producer),
    close: () => closeProducer(producer),
  }
}

/**
 * Implements `StreamProducer.mustHaveItsTopic`: checks that the events topic was not deleted and created again, which
 * gives it another id. If no broker answers, that proves nothing, so the check passes, and is made again after
 * `topicEveryMs`. `finish` is the signal that aborts at the deadline of the check.
 */
function topicCheck({ cluster, clock, topics }: TransactionalProducer): StreamProducer['mustHaveItsTopic'] {
  const { topic, topicId } = topics.events
  let checkedAt = clock.monotonic()
  return async (finish) => {
    if (clock.monotonic() - checkedAt < kafkaTimes.topicEveryMs) return
    checkedAt = clock.monotonic()
    using deadline = clock.deadline(kafkaTimes.closeMs, finish)
    const topicAnswer = cluster.findControllerBroker().then((broker) => fetchMetadata(broker, topic))
    const currentTopic = (await untilAborted(deadline.signal, topicAnswer).catch(() => undefined))?.topic
    if (currentTopic !== undefined && currentTopic.topicId !== topicId)
      throw new ConnectorError('publish.failed', `topic ${topic} was deleted and created again`)
  }
}

function closeProducer(producer: TransactionalProducer) {
  const { client, kafkajsProducer, state } = producer
  switch (state.kind) {
    case 'closed':
      return state.connectionsClosed
    case 'active':
      return markClosed(producer, abortAndDisconnect(producer, state.active))
    case 'idle':
      return markClosed(producer, closeConnection(producer, { client, disconnect: kafkajsProducer.disconnect }))
  }
}
