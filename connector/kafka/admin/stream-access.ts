import type { StreamNames } from '../../publish/event-publisher.ts'
import { type AdminParts, withCluster } from '../kafka-connection.ts'
import { type Cluster, GROUP_COORDINATOR, TRANSACTION_COORDINATOR } from '../kafkajs/cluster.ts'
import { readKafkaState } from '../transactions/kafka-state.ts'
import type { Topics } from './topics.ts'

/** Belongs to no producer of ours. */
const NO_PRODUCER_ID = '-1'

/**
 * Makes the requests of an opening that change nothing, under the names of the stream. `topics`: undefined if one of them
 * does not exist. Rejects with `publish.unauthorized`, which names the first missing ACL, with other `publish.*` or with
 * the reason of `stop`.
 */
export async function accessAsStream(
  parts: AdminParts,
  { names, topics }: { readonly names: StreamNames; readonly topics: Topics | undefined },
  stop: AbortSignal,
): Promise<void> {
  const { transactionalId: id, recordGroup: group } = names
  const needs = { TRANSACTIONAL_ID_AUTHORIZATION_FAILED: `WRITE on transactional id ${id}` }
  const query = { groupId: id, coordinatorType: TRANSACTION_COORDINATOR } as const
  const work = (cluster: Cluster) => cluster.findGroupCoordinator(query)
  await withCluster(parts, { operation: `find the coordinator of transactional id ${id}`, needs, work }, stop)
  await accessGroup(parts, group, stop)
  if (topics === undefined) return
  const place = { group, topic: topics.events.topic }
  await readKafkaState(parts, { topics, place, producerIds: [NO_PRODUCER_ID], finder: undefined }, stop)
}

/** Rejects as `accessAsStream` does. */
export async function accessGroup(parts: AdminParts, groupId: string, stop: AbortSignal): Promise<void> {
  const needs = { GROUP_AUTHORIZATION_FAILED: `READ on group ${groupId}` }
  const work = (cluster: Cluster) => cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
  await withCluster(parts, { operation: `find the coordinator of group ${groupId}`, needs, work }, stop)
}
