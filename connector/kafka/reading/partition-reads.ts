import type { TopicLayout } from '../../publish/event-publisher.ts'
import type { Broker, Cluster } from '../cluster.ts'
import { createErrorFromCode } from '../kafkajs/requests.ts'

/** Some partitions of a topic, and the broker that leads them. */
export interface LedPartitions {
  readonly broker: Broker
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Names partitions of one topic. */
export interface TopicPartitions {
  readonly topic: string
  /** Says which partitions, or how many the topic has. */
  readonly partitions: Iterable<number> | number
}

/** Groups partitions by leader. Rejects with kafkajs' errors, also while a partition of the topic has no leader. */
export async function leadersOf(cluster: Cluster, { topic, partitions }: TopicPartitions): Promise<LedPartitions[]> {
  const all = typeof partitions === 'number' ? [...Array(partitions).keys()] : [...partitions]
  await cluster.addTargetTopic(topic)
  const leaders = Object.entries(cluster.findLeaderForPartitions(topic, all))
  mustHaveAll(all.length, leaders.flatMap(([, led]) => led).length)
  return await Promise.all(
    leaders.map(async ([nodeId, led]) => ({ broker: await cluster.findBroker({ nodeId }), topic, partitions: led })),
  )
}

/**
 * Reads an offset of each partition: that of the first record that is left, or that after the last one that all
 * replicas have.
 */
export async function offsetsOf(
  cluster: Cluster,
  { topic, partitions }: TopicLayout,
  at: 'start' | 'end',
): Promise<Map<number, bigint>> {
  await cluster.addTargetTopic(topic)
  const all = Array.from({ length: partitions }, (_, partition) => ({ partition }))
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: all, fromBeginning: at === 'start' }])
  mustHaveAll(partitions, found?.partitions.length ?? 0)
  return new Map(found?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]))
}

/** Throws LEADER_NOT_AVAILABLE for partitions that the metadata lack: kafkajs would skip them. */
function mustHaveAll(partitions: number, found: number) {
  if (found < partitions) throw createErrorFromCode(5)
}
