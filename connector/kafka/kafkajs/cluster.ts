import type { Kafka } from 'kafkajs'
import type { RequestTarget } from './protocol.ts'

/** The internal cluster object of kafkajs, which can send single requests. */
export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  /** Reads the brokers of the cluster, and the leaders of the topics added so far. */
  refreshMetadata(): Promise<void>
  findGroupCoordinator(of: { groupId: string; coordinatorType: CoordinatorType }): Promise<Coordinator>
  /** Adds the topic and reads its metadata. Rejects if it does not exist or one of its partitions has no leader. */
  addTargetTopic(topic: string): Promise<void>
  /** Groups the partitions by the node id of their leader. */
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, number[]>>
  findBroker(of: { nodeId: string | number }): Promise<LeadingBroker & Coordinator>
  /** According to the metadata read last. With KRaft, this is any live broker. */
  findControllerBroker(): Promise<RequestTarget>
}

export const GROUP_COORDINATOR = 0
export const TRANSACTION_COORDINATOR = 1
type CoordinatorType = typeof GROUP_COORDINATOR | typeof TRANSACTION_COORDINATOR

/** A broker that names the coordinator, according to its own metadata. */
export interface CoordinatorFinder {
  findGroupCoordinator(of: {
    groupId: string
    coordinatorType: CoordinatorType
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>
}

export interface Coordinator extends RequestTarget {
  readonly nodeId: number
  addPartitionsToTxn(
    request: Transactional & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>
  /** `transactionResult`: true commits, false aborts. */
  endTxn(request: Transactional & { transactionResult: boolean }): Promise<unknown>
}

type Transactional = ProducerIdentity & { readonly transactionalId: string }

export interface LeadingBroker {
  /**
   * `isolationLevel` 0: offsets to the high watermark. `timestamp` -1: the end, -2: the start.
   */
  listOffsets(request: {
    replicaId: -1
    isolationLevel: 0
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[]
  }): Promise<{ responses: readonly { partitions: readonly { partition: number; offset: string }[] }[] }>
}

export function clusterOf(kafka: Kafka): Cluster {
  const key = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const create = key === undefined ? undefined : Reflect.get(kafka, key)
  if (typeof create !== 'function') throw new TypeError('unsupported kafkajs: it has no createCluster')
  return create({ allowAutoTopicCreation: false })
}

/** How the brokers identify a transactional producer. kafkajs does not expose it. */
export interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
}
