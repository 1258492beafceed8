import kafkajs, { type Admin } from 'kafkajs'
import type { TopicLayout } from '../../publish/event-publisher.ts'
import { type AdminParts, withAdmin } from '../kafka-connection.ts'
import { hasKafkaError } from '../kafka-errors.ts'
import { describeCluster } from '../kafkajs/metadata-requests.ts'
import { partitionsOf } from './topics.ts'

const { ConfigResourceTypes } = kafkajs // Node does not detect this named export of CommonJS

/** Facts about a cluster. */
export interface ClusterView {
  readonly clusterId: string
  readonly brokers: number
  /** `offsets.retention.minutes`; undefined if this user may not read it (DESCRIBE_CONFIGS on the cluster). */
  readonly offsetsRetentionMs: number | undefined
}

/** Reads only. Rejects with `publish.*` or the reason of `stop`. */
export function viewCluster(parts: AdminParts, stop: AbortSignal): Promise<ClusterView> {
  const work = async (admin: Admin) => {
    const { clusterId, brokers, controller } = await describeCluster(admin)
    const minutes = await retentionMinutes(admin, String(controller ?? brokers[0]?.nodeId))
    return { clusterId, brokers: brokers.length, offsetsRetentionMs: minutes > 0 ? minutes * 60_000 : undefined }
  }
  return withAdmin(parts, { operation: 'describe the cluster', needs: {}, work }, stop)
}

/** Undefined: the topic does not exist. Reads only. Rejects with `publish.*` or the reason of `stop`. */
export function topicLayout(parts: AdminParts, topic: string, stop: AbortSignal): Promise<TopicLayout | undefined> {
  const work = async (admin: Admin) => {
    const { length: partitions } = await partitionsOf(admin, topic)
    return partitions === 0 ? undefined : { topic, partitions }
  }
  const needs = { TOPIC_AUTHORIZATION_FAILED: `WRITE on topic ${topic}` }
  return withAdmin(parts, { operation: `describe topic ${topic}`, needs, work }, stop)
}

/** NaN if this user may not read it. */
async function retentionMinutes(admin: Admin, broker: string): Promise<number> {
  const resources = [{ type: ConfigResourceTypes.BROKER, name: broker }]
  try {
    const described = await admin.describeConfigs({ resources, includeSynonyms: false })
    const entries = described.resources.flatMap(({ configEntries }) => configEntries)
    return Number(entries.find(({ configName }) => configName === 'offsets.retention.minutes')?.configValue)
  } catch (error) {
    if (hasKafkaError(error, 'CLUSTER_AUTHORIZATION_FAILED')) return Number.NaN
    throw error
  }
}
