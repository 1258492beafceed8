import type { CommitRecord, StoredRecord } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { parsedFields } from '../../runtime/parsed-json.ts'
import type { NeededAcls } from '../kafka-errors.ts'
import { KafkaCode } from '../kafka-errors.ts'
import { type Cluster, type Coordinator, type CoordinatorFinder, GROUP_COORDINATOR } from '../kafkajs/cluster.ts'
import { hasUnstableOffset } from '../kafkajs/newer-requests.ts'

/** Where the commit record is stored: the offset of this group for partition 0 of the events topic. */
export interface RecordPlace {
  readonly group: string
  readonly topic: string
}

/** The ACLs needed to read or write the commit record. */
export function aclsOfRecord({ group, topic }: RecordPlace): NeededAcls {
  return {
    [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `READ on topic ${topic}`,
    [KafkaCode.GROUP_AUTHORIZATION_FAILED]: `READ on group ${group}`,
  }
}

/** The argument of `sendOffsets` that makes the commit record part of the transaction. */
export function recordOffsets(place: RecordPlace, record: CommitRecord) {
  const metadata = JSON.stringify({ epoch: record.epoch, seq: record.seq, nonce: record.nonce })
  const partitions = [{ partition: 0, offset: String(record.seq), metadata }]
  return { consumerGroupId: place.group, topics: [{ topic: place.topic, partitions }] }
}

/**
 * Reads the commit record from its group coordinator. The result is final only after InitProducerId, and only if
 * `finder`, the broker that answered InitProducerId, names the coordinator: a broker partitioned from the cluster may
 * still name itself. Does not retry; rejects with kafkajs' errors.
 */
export async function fetchRecord(
  cluster: Cluster,
  place: RecordPlace,
  finder: CoordinatorFinder | undefined,
): Promise<StoredRecord> {
  const { group, topic } = place
  const coordinator = await coordinatorOf(cluster, group, finder)
  const isUnstable = await hasUnstableOffset(coordinator, place)
  const topics = [{ topic, partitions: [{ partition: 0 }] }]
  const { responses } = await coordinator.offsetFetch({ groupId: group, topics })
  const stored = responses[0]?.partitions[0]
  const record = stored === undefined || stored.offset === '-1' ? undefined : parseRecord(place, stored)
  return { record, isUnstable }
}

async function coordinatorOf(cluster: Cluster, groupId: string, finder?: CoordinatorFinder): Promise<Coordinator> {
  const query = { groupId, coordinatorType: GROUP_COORDINATOR } as const
  if (finder === undefined) return await cluster.findGroupCoordinator(query)
  const { coordinator } = await finder.findGroupCoordinator(query)
  await cluster.refreshMetadata()
  return await cluster.findBroker({ nodeId: coordinator.nodeId })
}

/** Throws `checkpoint.unknown-format` if the offset was not written by this connector. */
export function parseRecord(place: RecordPlace, stored: { offset: string; metadata: string | null }): CommitRecord {
  const { epoch, seq, nonce } = parsedFields(stored.metadata ?? '')
  if (isWhole(epoch) && isWhole(seq) && typeof nonce === 'string' && String(seq) === stored.offset)
    return { epoch, seq, nonce }
  throw new ConnectorError(
    'checkpoint.unknown-format',
    `read the commit record of group ${place.group}: its offset was not written by this connector`,
  )
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)
