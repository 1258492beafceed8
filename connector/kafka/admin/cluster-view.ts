import kafkajs, { type Admin, type ConfigResourceTypes } from 'kafkajs'
import { type AdminParts, withAdmin } from '../kafka-connection.ts'
import { hasKafkaError } from '../kafka-errors.ts'
import { describeCluster } from '../kafkajs/metadata-requests.ts'
import { partitionsOf } from './topics.ts'

const { ConfigResourceTypes: resource } = kafkajs // Node does not detect this named export of CommonJS

/** Facts about a cluster. */
export interface ClusterView {
  readonly clusterId: string
  readonly brokers: number
  /** `offsets.retention.minutes`; undefined if this user may not read it (DESCRIBE_CONFIGS on the cluster). */
  readonly offsetsRetentionMs: number | undefined
}

/** Facts about an existing topic. */
export interface TopicView {
  readonly topic: string
  readonly partitions: number
  /** Replication factor; the lowest of all partitions. */
  readonly copies: number
  /** In-sync replicas; the lowest number of all partitions. */
  readonly copiesInSync: number
  /** By their Kafka names; undefined if this user may not read them (DESCRIBE_CONFIGS on the topic). */
  readonly settings: ReadonlyMap<string, string> | undefined
}

/** Reads only. Rejects with `publish.*` or the reason of `stop`. */
export function viewCluster(parts: AdminParts, stop: AbortSignal): Promise<ClusterView> {
  const work = async (admin: Admin) => {
    const { clusterId, brokers, controller } = await describeCluster(admin)
    const nodeId = controller ?? brokers[0]?.nodeId
    const settings = await settingsOf(admin, { type: resource.BROKER, name: String(nodeId) })
    const minutes = Number(settings?.get('offsets.retention.minutes'))
    return { clusterId, brokers: brokers.length, offsetsRetentionMs: minutes > 0 ? minutes * 60_000 : undefined }
  }
  return withAdmin(parts, { operation: 'describe the cluster', needs: {}, work }, stop)
}

/** Undefined: the topic does not exist. Reads only. Rejects with `publish.*` or the reason of `stop`. */
export function viewTopic(
  parts: AdminParts,
  { topic, acl }: { readonly topic: string; readonly acl: 'WRITE' | 'DESCRIBE' },
  stop: AbortSignal,
): Promise<TopicView | undefined> {
  const work = async (admin: Admin): Promise<TopicView | undefined> => {
    const partitions = await partitionsOf(admin, topic)
    if (partitions.length === 0) return undefined
    return {
      topic,
      partitions: partitions.length,
      copies: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      copiesInSync: Math.min(...partitions.map(({ isr }) => isr.length)),
      settings: await settingsOf(admin, { type: resource.TOPIC, name: topic }),
    }
  }
  const needs = { TOPIC_AUTHORIZATION_FAILED: `${acl} on topic ${topic}` }
  return withAdmin(parts, { operation: `describe topic ${topic}`, needs, work }, stop)
}

const notAuthorized = ['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED']

async function settingsOf(
  admin: Admin,
  requested: { type: ConfigResourceTypes; name: string },
): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const { resources } = await admin.describeConfigs({ resources: [requested], includeSynonyms: false })
    const entries = resources.flatMap(({ configEntries }) => configEntries)
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
  } catch (error) {
    if (hasKafkaError(error, ...notAuthorized)) return undefined
    throw error
  }
}
