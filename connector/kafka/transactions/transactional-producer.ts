import type { Producer, Transaction } from 'kafkajs'
import type { StreamNames } from '../../publish/event-publisher.ts'
import { untilAborted } from '../../runtime/abort.ts'
import type { Deadline } from '../../runtime/clock.ts'
import type { Topics } from '../admin/topics.ts'
import type { Cluster, CoordinatorFinder, ProducerIdentity } from '../cluster.ts'
import type { KafkaClient } from '../kafka-client.ts'
import type { KafkaConfig } from '../kafka-config.ts'
import { type ConnectionParts, destroyConnection } from '../kafka-connection.ts'
import { kafkaTimes } from '../kafka-times.ts'
import type { CommitRecordPlace } from './kafka-state.ts'

export interface ProducerParts extends ConnectionParts {
  readonly config: KafkaConfig
  readonly names: StreamNames
}

/** This transactional producer has one producer id and epoch. */
export interface TransactionalProducer extends ProducerParts {
  /** Nothing else uses this client. */
  readonly client: KafkaClient
  readonly kafkajsProducer: Producer
  /** `kafkajsProducer` sends its requests over these connections. */
  readonly cluster: Cluster
  readonly topics: Topics
  readonly recordPlace: CommitRecordPlace
  readonly identity: ProducerIdentity
  /** This broker answered InitProducerId: it was the transaction coordinator. */
  readonly coordinatorFinder: CoordinatorFinder
  state: ProducerState
}

type ProducerState =
  /** No transaction is open at the broker. */
  | { readonly kind: 'idle' }
  /** The transaction may have sent requests. */
  | { readonly kind: 'active'; readonly active: ActiveTransaction }
  /**
   * `close` or the first error has closed it: kafkajs loses or duplicates records if its producer is used after an
   * error. `connectionsClosed` resolves once they are closed.
   */
  | { readonly kind: 'closed'; readonly connectionsClosed: Promise<void> }

/** Marks the producer as closed, so that it sends nothing more. */
export function markClosed(producer: TransactionalProducer, connectionsClosed: Promise<void>): Promise<void> {
  producer.state = { kind: 'closed', connectionsClosed }
  return connectionsClosed
}

/** Closes the producer at once, without an abort: requests already sent may still take effect. */
export function disconnectNow(producer: TransactionalProducer): void {
  destroyConnection({ client: producer.client, disconnect: producer.kafkajsProducer.disconnect })
  if (producer.state.kind !== 'closed') void markClosed(producer, Promise.resolve())
}

/** This transaction may have begun at the broker. */
export interface ActiveTransaction {
  readonly transaction: Transaction
  /**
   * It ends when `finish` (see `StreamProducer`) aborts, or after `commitWithinMs` if that is earlier: this limit of
   * our own is shorter than the transaction timeout of the broker.
   */
  readonly deadline: Deadline
  /** Records were sent to these partitions, by topic. */
  readonly writtenPartitions: Map<string, Set<number>>
  /** Settles once no send of this transaction is in flight. */
  lastSend: Promise<void>
}

/**
 * Tries to abort within 4/3 of `closeMs`, since an open transaction blocks all committed readers, then disconnects.
 * Never rejects. Sends in flight settle first: kafkajs skips the abort until a response has confirmed that the
 * transaction is open.
 */
export async function abortAndDisconnect(
  producer: TransactionalProducer,
  { transaction, lastSend }: ActiveTransaction,
): Promise<void> {
  const { clock, client, kafkajsProducer } = producer
  const { closeMs } = kafkaTimes
  using sendLimit = clock.deadline(closeMs / 3)
  await untilAborted(sendLimit.signal, lastSend).catch(() => undefined)
  using abortLimit = clock.deadline(closeMs)
  if (transaction.isActive()) await untilAborted(abortLimit.signal, transaction.abort()).catch(() => undefined)
  destroyConnection({ client, disconnect: kafkajsProducer.disconnect })
}
