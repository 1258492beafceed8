import type { StreamNames } from '../../publish/event-publisher.ts'
import { type Broker, type Cluster, GROUP_COORDINATOR, type Topic, TRANSACTION_COORDINATOR } from '../cluster.ts'
import { type ConnectionParts, retryOnCluster, tryOnCluster } from '../kafka-connection.ts'
import { hasKafkaError } from '../kafka-errors.ts'
import { fetchMetadata } from '../kafkajs/newer-requests.ts'
import { readKafkaState } from '../transactions/kafka-state.ts'
import { mustBeWritable, type Topics } from './topics.ts'

/** What `doctor` looks at. Changes nothing. All reject with `publish.*` or the reason of `stop`. */

export interface ClusterView {
  readonly clusterId: string | null
  readonly brokers: number
  /** `offsets.retention.minutes`; undefined if this user may not read it (DESCRIBE_CONFIGS on the cluster). */
  readonly offsetsRetentionMs: number | undefined
}

export function viewCluster(parts: ConnectionParts, stop: AbortSignal): Promise<ClusterView> {
  const work = async (cluster: Cluster) => {
    const broker = await cluster.findControllerBroker()
    const { clusterId, brokers } = await fetchMetadata(broker)
    const minutes = await retentionMinutes(broker)
    return { clusterId, brokers, offsetsRetentionMs: minutes > 0 ? minutes * 60_000 : undefined }
  }
  return tryOnCluster(parts, { operation: 'describe the cluster', work }, stop)
}

/** Returns what the brokers know of a topic; undefined if it does not exist. */
export function viewTopic(parts: ConnectionParts, topic: string, stop: AbortSignal): Promise<Topic | undefined> {
  const work = async (cluster: Cluster) => (await fetchMetadata(await cluster.findControllerBroker(), topic)).topic
  const needs = { TOPIC_AUTHORIZATION_FAILED: `WRITE on topic ${topic}` }
  return retryOnCluster(parts, { operation: `describe topic ${topic}`, needs, work }, stop)
}

const BROKER_RESOURCE = 4

/** Reads `offsets.retention.minutes`; NaN if this user may not read it. */
async function retentionMinutes(broker: Broker): Promise<number> {
  const resources = [{ type: BROKER_RESOURCE, name: String(broker.nodeId) }]
  try {
    const described = await broker.describeConfigs({ resources })
    const entries = described.resources.flatMap(({ configEntries }) => configEntries)
    return Number(entries.find(({ configName }) => configName === 'offsets.retention.minutes')?.configValue)
  } catch (error) {
    if (hasKafkaError(error, 'CLUSTER_AUTHORIZATION_FAILED')) return Number.NaN
    throw error
  }
}

/**
 * Makes the requests of an opening that change nothing, under the names of the stream. `topics`: undefined if one of
 * them does not exist. A missing ACL rejects with `publish.unauthorized`, which names the first one.
 */
export async function accessAsStream(
  parts: ConnectionParts,
  { names, topics }: { names: StreamNames; topics: Topics | undefined },
  stop: AbortSignal,
): Promise<void> {
  const { transactionalId: id, recordGroup: group } = names
  const needs = { TRANSACTIONAL_ID_AUTHORIZATION_FAILED: `WRITE on transactional id ${id}` }
  const query = { groupId: id, coordinatorType: TRANSACTION_COORDINATOR } as const
  const work = (cluster: Cluster) => cluster.findGroupCoordinator(query)
  await retryOnCluster(parts, { operation: `find the coordinator of transactional id ${id}`, needs, work }, stop)
  await accessGroup(parts, group, stop)
  if (topics === undefined) return
  mustBeWritable(topics)
  const recordPlace = { group, topic: topics.events.topic }
  await readKafkaState(parts, { topics, recordPlace, producerIds: [], coordinatorFinder: undefined }, stop)
}

export async function accessGroup(parts: ConnectionParts, groupId: string, stop: AbortSignal): Promise<void> {
  const needs = { GROUP_AUTHORIZATION_FAILED: `READ on group ${groupId}` }
  const work = (cluster: Cluster) => cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
  await retryOnCluster(parts, { operation: `find the coordinator of group ${groupId}`, needs, work }, stop)
}
