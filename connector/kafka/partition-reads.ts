import type { AdminParts } from './kafka-connection.ts'
import { withCluster } from './kafka-connection.ts'
import { KafkaCode } from './kafka-errors.ts'
import type { Cluster, FetchedPartition, IsolationLevel, LeadingBroker } from './kafkajs/cluster.ts'
import type { RequestTarget } from './kafkajs/protocol.ts'
import type { TopicLayout } from './topics.ts'

/** Some partitions of a topic, and the broker that leads them. */
export interface LedPartitions {
  readonly broker: LeadingBroker & RequestTarget
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Groups the partitions of a topic by leader. Rejects with kafkajs' errors, also while a partition has no leader. */
export async function leadersOf(cluster: Cluster, { topic, partitions }: TopicLayout): Promise<LedPartitions[]> {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  await cluster.addTargetTopic(topic)
  const leaders = Object.entries(cluster.findLeaderForPartitions(topic, all))
  return await Promise.all(
    leaders.map(async ([nodeId, led]) => ({ broker: await cluster.findBroker({ nodeId }), topic, partitions: led })),
  )
}

/**
 * Runs `work` for all leaders in parallel. Rejects with `publish.*`, also while a partition has no leader, or with the
 * reason of `stop`.
 */
export async function onLeaders(
  parts: AdminParts,
  { operation, topic, work }: { operation: string; topic: TopicLayout; work: (led: LedPartitions) => Promise<void> },
  stop: AbortSignal,
): Promise<void> {
  const workOnLeaders = async (cluster: Cluster) => {
    await Promise.all((await leadersOf(cluster, topic)).map(work))
  }
  const needs = { [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `READ on topic ${topic.topic}` }
  await withCluster(parts, { operation, needs, work: workOnLeaders }, stop)
}

/** The `timestamp` that requests the end offset. */
export const END = -1

/**
 * Returns by partition the offset of the first record that is not older than `timestamp` (ms since 1970), or the end
 * offset for `END`. Partitions without such a record are left out.
 */
export async function offsetsOf(
  { broker, topic, partitions }: LedPartitions,
  { isolationLevel, timestamp }: { isolationLevel: IsolationLevel; timestamp: number },
): Promise<Map<number, bigint>> {
  const topics = [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }]
  const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel, topics })
  const offsets = responses.flatMap((one) => one.partitions)
  return new Map(
    offsets.filter(({ offset }) => offset !== '-1').map(({ partition, offset }) => [partition, BigInt(offset)]),
  )
}

/** Limit for one response; the broker always sends at least one batch. */
const MAX_BYTES = 16 << 20
const MAX_PARTITION_BYTES = 1 << 20

/** Fetches stored records from these offsets on, whatever the outcome of their transactions. */
export async function fetchFrom(
  { broker, topic }: LedPartitions,
  from: ReadonlyMap<number, bigint>,
): Promise<FetchedPartition[]> {
  const partitions = [...from].map(([partition, offset]) => {
    return { partition, fetchOffset: String(offset), maxBytes: MAX_PARTITION_BYTES }
  })
  const limits = { isolationLevel: 0, maxWaitTime: 1_000, minBytes: 1, maxBytes: MAX_BYTES } as const
  const { responses } = await broker.fetch({ ...limits, topics: [{ topic, partitions }] })
  return responses.flatMap((one) => one.partitions)
}
