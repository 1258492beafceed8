import type { CommitRecord, FoundRecord } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { parsedFields } from '../../runtime/parsed-json.ts'
import type { NeededAcls } from '../kafka-errors.ts'
import { type Cluster, type Coordinator, type CoordinatorFinder, GROUP_COORDINATOR } from '../kafkajs/cluster.ts'
import { fetchStableOffset, type GroupOffset } from '../kafkajs/newer-requests.ts'

/** Where the commit record is stored: the offset of this group for partition 0 of the events topic. */
export interface RecordPlace {
  readonly group: string
  readonly topic: string
}

/** The ACLs needed to read or write the commit record. */
export function aclsOfRecord({ group, topic }: RecordPlace): NeededAcls {
  return {
    TOPIC_AUTHORIZATION_FAILED: `READ on topic ${topic}`,
    GROUP_AUTHORIZATION_FAILED: `READ on group ${group}`,
  }
}

/** The argument of `sendOffsets` that makes the commit record part of the transaction. */
export function recordOffsets(place: RecordPlace, record: CommitRecord) {
  const { epoch, seq, nonce, events } = record
  const metadata = JSON.stringify({ epoch, seq, nonce, events })
  const partitions = [{ partition: 0, offset: String(seq), metadata }]
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
): Promise<FoundRecord> {
  const stored = await fetchStableOffset(await coordinatorOf(cluster, place.group, finder), place)
  if (stored === undefined) return { kind: 'none' }
  return stored === 'unstable' ? { kind: stored } : { kind: 'record', record: parseRecord(place, stored) }
}

async function coordinatorOf(cluster: Cluster, groupId: string, finder?: CoordinatorFinder): Promise<Coordinator> {
  const query = { groupId, coordinatorType: GROUP_COORDINATOR } as const
  if (finder === undefined) return await cluster.findGroupCoordinator(query)
  const { coordinator } = await finder.findGroupCoordinator(query)
  await cluster.refreshMetadata()
  return await cluster.findBroker({ nodeId: coordinator.nodeId })
}

/** Throws `checkpoint.unknown-format` if the offset was not written by this connector. */
export function parseRecord(place: RecordPlace, stored: GroupOffset): CommitRecord {
  const { epoch, seq, nonce, events } = parsedFields(stored.metadata ?? '')
  const isOurs = isWhole(epoch) && isWhole(seq) && isWhole(events) && typeof nonce === 'string'
  if (isOurs && String(seq) === stored.offset) return { epoch, seq, nonce, events }
  throw new ConnectorError(
    'checkpoint.unknown-format',
    `read the commit record of group ${place.group}: its offset was not written by this connector`,
  )
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)
