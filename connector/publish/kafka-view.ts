import kafkajs, { type Admin, type ConfigResourceTypes } from 'kafkajs'
import { hasKafkaCode } from './classify-kafka-error.ts'
import { type AdminParts, withAdmin } from './kafka-session.ts'
import { describeCluster } from './kafkajs/asked-topics.ts'

const { ConfigResourceTypes: resource } = kafkajs // a name that Node does not find in CommonJS

/** A cluster as anybody may see it. */
export interface ClusterView {
  readonly clusterId: string
  readonly brokers: number
  /** `offsets.retention.minutes`; undefined where this user may not see it (DESCRIBE_CONFIGS on the cluster). */
  readonly offsetsRetentionMs: number | undefined
}

/** A topic that exists. */
export interface TopicView {
  readonly topic: string
  readonly partitions: number
  /** Of the partition that has fewest. */
  readonly copies: number
  readonly copiesInSync: number
  /** By their Kafka names; undefined where this user may not see them (DESCRIBE_CONFIGS on the topic). */
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

/** Undefined: there is no such topic. Reads only. Rejects with `publish.*` or the reason of `stop`. */
export function viewTopic(parts: AdminParts, topic: string, stop: AbortSignal): Promise<TopicView | undefined> {
  const needs = { 29: `DESCRIBE on topic ${topic}` }
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
  return withAdmin(parts, { operation: `describe topic ${topic}`, needs, work }, stop)
}

const unknownTopic = 3

async function partitionsOf(admin: Admin, topic: string) {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.find(({ name }) => name === topic)?.partitions ?? []
  } catch (error) {
    if (hasKafkaCode(error, unknownTopic)) return []
    throw error
  }
}

const notAuthorized = [29, 31]

async function settingsOf(
  admin: Admin,
  asked: { type: ConfigResourceTypes; name: string },
): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const { resources } = await admin.describeConfigs({ resources: [asked], includeSynonyms: false })
    const entries = resources.flatMap(({ configEntries }) => configEntries)
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
  } catch (error) {
    if (notAuthorized.some((code) => hasKafkaCode(error, code))) return undefined
    throw error
  }
}
