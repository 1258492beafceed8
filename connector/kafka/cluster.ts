import type { TopicLayout } from '../publish/event-publisher.ts'
import type { RequestTarget } from './kafkajs/requests.ts'

/**
 * The brokers of Kafka, each of which can be sent single requests. It rejects with the errors of the client library.
 */
export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  /** Reads the brokers of the cluster, and the leaders of the topics added so far. */
  refreshMetadata(): Promise<void>
  findGroupCoordinator(of: CoordinatorQuery): Promise<Broker>
  /** Adds the topic and reads its metadata. Rejects if it does not exist or one of its partitions has no leader. */
  addTargetTopic(topic: string): Promise<void>
  findBroker(of: { nodeId: string | number }): Promise<Broker>
  /** Finds the controller according to the metadata read last. With KRaft, this is any live broker. */
  findControllerBroker(): Promise<Broker>
  /** Returns the partitions that each broker leads, by its number; it omits those without a leader. */
  findLeaderForPartitions(topic: string, partitions: number[]): Readonly<Record<string, number[]>>
  /** Reads the first offset of each partition that still has a record, or that after the last record. */
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<{ partitions: { partition: number; offset: string }[] }[]>
}

/** One broker, with the requests that the client library supports; others are sent by `sendNewer`. */
export interface Broker extends RequestTarget, CoordinatorFinder {
  readonly nodeId: number
  initProducerId(request: unknown): Promise<ProducerIdentity>
  createTopics(request: {
    topics: { topic: string; numPartitions: number; replicationFactor: number; configEntries: object[] }[]
  }): Promise<unknown>
  describeConfigs(request: { resources: { type: number; name: string }[] }): Promise<{
    resources: { configEntries: { configName: string; configValue: string }[] }[]
  }>
  addPartitionsToTxn(
    request: Transactional & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>
  /** `transactionResult`: true commits, false aborts. */
  endTxn(request: Transactional & { transactionResult: boolean }): Promise<unknown>
}

type Transactional = ProducerIdentity & { readonly transactionalId: string }

export const GROUP_COORDINATOR = 0
export const TRANSACTION_COORDINATOR = 1

interface CoordinatorQuery {
  readonly groupId: string
  readonly coordinatorType: typeof GROUP_COORDINATOR | typeof TRANSACTION_COORDINATOR
}

/** A broker that names the coordinator, according to its own metadata. */
export interface CoordinatorFinder {
  findGroupCoordinator(of: CoordinatorQuery): Promise<{ coordinator: { nodeId: number } }>
}

/** How the brokers identify a transactional producer. */
export interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
}

/** A topic as a broker knows it. */
export interface Topic extends TopicLayout {
  readonly topicId: string
  /** Whether this user may write to it. */
  readonly isWritable: boolean
}

/** An offset of a group. */
export interface GroupOffset {
  readonly offset: string
  readonly metadata: string | null
}

/** A record of this connector, as it is sent to a partition. */
export interface OwnRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The time of the record in ms since 1970. */
  readonly timestamp: string
  readonly headers: Readonly<Record<string, string>>
}
