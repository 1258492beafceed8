import type { Kafka } from 'kafkajs'
import type { RequestTarget } from './kafka-protocol.ts'
import type { ProducerIdentity } from './producer-identity.ts'

/** kafkajs' cluster, the way to single requests, which it shows to nobody. */
export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  /** Which brokers there are, and who leads the topics that were added. */
  refreshMetadata(): Promise<void>
  findGroupCoordinator(of: { groupId: string; coordinatorType: CoordinatorType }): Promise<Coordinator>
  /** Reads the topic's metadata; rejects when it is not there, or one of its partitions has no leader. */
  addTargetTopic(topic: string): Promise<void>
  /** Partitions by the node id of their leader. */
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, number[]>>
  findBroker(of: { nodeId: string | number }): Promise<LeadingBroker & Coordinator>
}

export const GROUP_COORDINATOR = 0
export const TRANSACTION_COORDINATOR = 1
type CoordinatorType = typeof GROUP_COORDINATOR | typeof TRANSACTION_COORDINATOR

/** A broker that says who coordinates, as it knows it. */
export interface CoordinatorFinder {
  findGroupCoordinator(of: {
    groupId: string
    coordinatorType: CoordinatorType
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>
}

export interface Coordinator extends RequestTarget {
  readonly nodeId: number
  offsetFetch(request: {
    groupId: string
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[]
  }): Promise<{ responses: readonly { partitions: readonly FetchedOffset[] }[] }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  addPartitionsToTxn(
    request: Transactional & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>
  addOffsetsToTxn(request: Transactional & { groupId: string }): Promise<unknown>
  txnOffsetCommit(
    request: Transactional & {
      groupId: string
      topics: readonly {
        topic: string
        partitions: readonly { partition: number; offset: string; metadata: string }[]
      }[]
    },
  ): Promise<unknown>
  /** `transactionResult`: true commits, false aborts. */
  endTxn(request: Transactional & { transactionResult: boolean }): Promise<unknown>
}

export interface FetchedOffset {
  readonly partition: number
  readonly offset: string
  readonly metadata: string | null
}

type Transactional = ProducerIdentity & { readonly transactionalId: string }

/** 0: all that is stored on every replica. 1: that, up to the first record whose transaction is open. */
export type IsolationLevel = 0 | 1

export interface LeadingBroker {
  /** `timestamp` -1: the end; else the first record that is not older (ms since 1970), -1 where there is none. */
  listOffsets(request: {
    replicaId: -1
    isolationLevel: IsolationLevel
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[]
  }): Promise<{ responses: readonly { partitions: readonly { partition: number; offset: string }[] }[] }>
  fetch(request: {
    isolationLevel: IsolationLevel
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    topics: readonly {
      topic: string
      partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[]
    }[]
  }): Promise<{ responses: readonly { partitions: readonly FetchedPartition[] }[] }>
}

export interface FetchedPartition {
  readonly partition: number
  readonly messages: readonly FetchedRecord[]
}

export interface FetchedRecord {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The end of a transaction; its key tells which. */
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}

export function clusterOf(kafka: Kafka): Cluster {
  const key = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const create = key === undefined ? undefined : Reflect.get(kafka, key)
  if (typeof create !== 'function') throw new TypeError('kafkajs is not as expected: it cannot make a cluster')
  return create({ allowAutoTopicCreation: false })
}
