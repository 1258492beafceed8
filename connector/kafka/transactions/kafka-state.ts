import type {
  CommitRecord,
  FoundRecord,
  KafkaState,
  OpenTransaction,
  TopicLayout,
} from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { parsedFields } from '../../runtime/parsed-json.ts'
import type { Topics } from '../admin/topics.ts'
import { type Cluster, type CoordinatorFinder, GROUP_COORDINATOR, type GroupOffset } from '../cluster.ts'
import { type ConnectionParts, retryOnCluster } from '../kafka-connection.ts'
import { type NeededAcls, publishError } from '../kafka-errors.ts'
import { describeOpenTransactions, fetchStableOffset } from '../kafkajs/newer-requests.ts'
import { leadersOf, offsetsOf } from '../reading/partition-reads.ts'

interface StateRequest {
  readonly topics: Topics
  readonly recordPlace: CommitRecordPlace
  /** The state lists the open transactions of these producers only. */
  readonly producerIds: readonly string[]
  /** This broker answered InitProducerId. It is asked for the group coordinator. Undefined if no producer is open. */
  readonly coordinatorFinder: CoordinatorFinder | undefined
}

/**
 * Reads what Kafka holds of a stream over one connection: its topic, its commit record and its open transactions.
 * Rejects with `publish.*`, `checkpoint.unknown-format` or the reason of `stop`.
 */
export function readKafkaState(parts: ConnectionParts, request: StateRequest, stop: AbortSignal): Promise<KafkaState> {
  const { topics, recordPlace, producerIds, coordinatorFinder } = request
  const work = async (cluster: Cluster): Promise<KafkaState> => {
    const foundRecord = await fetchCommitRecord(cluster, recordPlace, coordinatorFinder)
    const openInEvents = await openTransactionsIn(cluster, topics.events, producerIds)
    const openTransactions = [...openInEvents, ...(await openTransactionsIn(cluster, topics.deadLetters, producerIds))]
    const { topic, partitions, topicId } = topics.events
    const destination = { clusterId: topics.clusterId, topic, partitions, topicId }
    // The end offsets show whether the topic is empty: one whose records were all removed by retention is not.
    const endOffsets = await offsetsOf(cluster, topics.events, 'end')
    return {
      destination,
      foundRecord,
      openTransactions,
      isTopicEmpty: [...endOffsets.values()].every((end) => end === 0n),
    }
  }
  return retryOnCluster(parts, { operation: `read the state of ${recordPlace.group}`, work }, stop)
}

/** Reads the transactions that these producers have open in a topic. */
async function openTransactionsIn(
  cluster: Cluster,
  layout: TopicLayout,
  producerIds: readonly string[],
): Promise<OpenTransaction[]> {
  const { topic } = layout
  try {
    const leaders = await leadersOf(cluster, layout)
    const openByLeader = await Promise.all(
      leaders.map(({ broker, ...ledPartitions }) => describeOpenTransactions(broker, ledPartitions)),
    )
    const openTransactions = openByLeader.flat().filter(({ producerId }) => producerIds.includes(producerId))
    return openTransactions.map((transaction) => ({ topic, ...transaction }))
  } catch (error) {
    throw publishError(`find hanging transactions in ${topic}`, error, {
      TOPIC_AUTHORIZATION_FAILED: `READ on topic ${topic}`,
    })
  }
}

/**
 * The commit record is the offset of this group for partition 0 of this topic, the events topic, with its metadata. It
 * is not a message in that topic.
 */
export interface CommitRecordPlace {
  readonly group: string
  readonly topic: string
}

/** Returns the ACLs needed to read or write the commit record. */
export function aclsOfCommitRecord({ group, topic }: CommitRecordPlace): NeededAcls {
  return {
    TOPIC_AUTHORIZATION_FAILED: `READ on topic ${topic}`,
    GROUP_AUTHORIZATION_FAILED: `READ on group ${group}`,
  }
}

/** Returns the argument of `sendOffsets` that makes the commit record part of the transaction. */
export function offsetsOfCommitRecord(recordPlace: CommitRecordPlace, record: CommitRecord) {
  const { epoch, seq, nonce, nextEvent } = record
  const metadata = JSON.stringify({ epoch, seq, nonce, nextEvent })
  const partitions = [{ partition: 0, offset: String(seq), metadata }]
  return { consumerGroupId: recordPlace.group, topics: [{ topic: recordPlace.topic, partitions }] }
}

/**
 * Reads the commit record from its group coordinator. The result is final only after InitProducerId, and only if
 * `coordinatorFinder`, the broker that answered InitProducerId, is asked which broker the group coordinator is: a
 * former one, cut off from the cluster, would still name itself. Does not retry.
 */
export async function fetchCommitRecord(
  cluster: Cluster,
  recordPlace: CommitRecordPlace,
  coordinatorFinder: CoordinatorFinder | undefined,
): Promise<FoundRecord> {
  const query = { groupId: recordPlace.group, coordinatorType: GROUP_COORDINATOR } as const
  try {
    const answer = await coordinatorFinder?.findGroupCoordinator(query)
    const coordinator = await (answer ? cluster.findBroker(answer.coordinator) : cluster.findGroupCoordinator(query))
    const storedOffset = await fetchStableOffset(coordinator, recordPlace)
    if (storedOffset === undefined) return { kind: 'none' }
    return storedOffset === 'unstable'
      ? { kind: storedOffset }
      : { kind: 'record', record: parseCommitRecord(recordPlace, storedOffset) }
  } catch (error) {
    throw publishError(`read the commit record of group ${recordPlace.group}`, error, aclsOfCommitRecord(recordPlace))
  }
}

/** Parses the commit record. Throws `checkpoint.unknown-format` if the offset was not written by this connector. */
export function parseCommitRecord(recordPlace: CommitRecordPlace, storedOffset: GroupOffset): CommitRecord {
  const { epoch, seq, nonce, nextEvent } = parsedFields(storedOffset.metadata ?? '')
  const isOurs = isWholeNumber(epoch) && isWholeNumber(seq) && isWholeNumber(nextEvent) && typeof nonce === 'string'
  if (isOurs && String(seq) === storedOffset.offset) return { epoch, seq, nonce, nextEvent }
  throw new ConnectorError(
    'checkpoint.unknown-format',
    `read the commit record of group ${recordPlace.group}: its offset was not written by this connector`,
  )
}

const isWholeNumber = (value: unknown): value is number => Number.isSafeInteger(value)
