import type { StreamNames } from '../../publish/event-publisher.ts'
import { type AdminParts, withCluster } from '../kafka-connection.ts'
import { type Cluster, GROUP_COORDINATOR, TRANSACTION_COORDINATOR } from '../kafkajs/cluster.ts'
import { readKafkaState } from '../transactions/kafka-state.ts'
import type { Topics } from './topics.ts'

interface StreamAccess {
  readonly names: StreamNames
  /** Undefined: one of them does not exist. */
  readonly topics: Topics | undefined
}

/** Belongs to no producer of ours. */
const NO_PRODUCER_ID = '-1'

/**
 * Makes the requests of an opening that change nothing, under the names of the stream. Rejects with
 * `publish.unauthorized`, which names the first missing ACL, with other `publish.*` or with the reason of `stop`.
 */
export async function accessAsStream(parts: AdminParts, { names, topics }: StreamAccess, stop: AbortSignal) {
  const { transactionalId, recordGroup: group } = names
  const needs = { TRANSACTIONAL_ID_AUTHORIZATION_FAILED: `WRITE on transactional id ${transactionalId}` }
  const operation = `find the coordinator of transactional id ${transactionalId}`
  await findCoordinator(parts, { operation, needs, id: transactionalId, type: TRANSACTION_COORDINATOR }, stop)
  await accessGroup(parts, group, stop)
  if (topics === undefined) return
  const place = { group, topic: topics.events.topic }
  await readKafkaState(parts, { topics, place, producerIds: [NO_PRODUCER_ID], finder: undefined }, stop)
}

/** Rejects as `accessAsStream` does. */
export async function accessGroup(parts: AdminParts, group: string, stop: AbortSignal): Promise<void> {
  const needs = { GROUP_AUTHORIZATION_FAILED: `READ on group ${group}` }
  const operation = `find the coordinator of group ${group}`
  await findCoordinator(parts, { operation, needs, id: group, type: GROUP_COORDINATOR }, stop)
}

interface CoordinatorQuery {
  readonly operation: string
  readonly needs: Readonly<Record<number, string>>
  readonly id: string
  readonly type: typeof GROUP_COORDINATOR | typeof TRANSACTION_COORDINATOR
}

async function findCoordinator(parts: AdminParts, { id, type, ...use }: CoordinatorQuery, stop: AbortSignal) {
  const work = (cluster: Cluster) => cluster.findGroupCoordinator({ groupId: id, coordinatorType: type })
  await withCluster(parts, { ...use, work }, stop)
}
