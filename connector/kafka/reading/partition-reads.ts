import type { Broker, Cluster } from '../kafkajs/cluster.ts'

/** Some partitions of a topic, and the broker that leads them. */
export interface LedPartitions {
  readonly broker: Broker
  readonly topic: string
  readonly partitions: readonly number[]
}

interface TopicPartitions {
  readonly topic: string
  /** Which ones, or how many the topic has. */
  readonly partitions: Iterable<number> | number
}

/** Groups partitions by leader. Rejects with kafkajs' errors, also while a partition of the topic has no leader. */
export async function leadersOf(cluster: Cluster, { topic, partitions }: TopicPartitions): Promise<LedPartitions[]> {
  const all = typeof partitions === 'number' ? [...Array(partitions).keys()] : [...partitions]
  await cluster.addTargetTopic(topic)
  const leaders = Object.entries(cluster.findLeaderForPartitions(topic, all))
  return await Promise.all(
    leaders.map(async ([nodeId, led]) => ({ broker: await cluster.findBroker({ nodeId }), topic, partitions: led })),
  )
}

/** The `timestamp` that requests the offset of the first record that is left. */
export const START = -2
/** The `timestamp` that requests the offset after the last record that all replicas have: the high watermark. */
export const END = -1

/** Returns the offset of each partition. */
export async function offsetsOf(
  { broker, topic, partitions }: LedPartitions,
  timestamp: typeof START | typeof END,
): Promise<Map<number, bigint>> {
  const topics = [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }]
  const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel: 0, topics })
  const offsets = responses.flatMap((one) => one.partitions)
  return new Map(
    offsets.filter(({ offset }) => offset !== '-1').map(({ partition, offset }) => [partition, BigInt(offset)]),
  )
}
