import { retry } from '../runtime/retry.ts'
import { type AdminParts, withConnection } from './kafka-session.ts'
import {
  type Cluster,
  clusterOf,
  type FetchedPartition,
  type IsolationLevel,
  type LeadingBroker,
} from './kafkajs/kafka-cluster.ts'
import type { TopicLayout } from './outgoing-batches.ts'

/** A leader that was just elected does not tell its offsets for a moment. */
const leaderRetry = { retries: 12, firstPauseMs: 100, maxPauseMs: 2000, maxRetryAfterMs: 0 }

/** Some partitions of a topic, and the broker that leads them. */
export interface LedPartitions {
  readonly broker: LeadingBroker
  readonly topic: string
  readonly partitions: readonly number[]
}

/**
 * What `work` finds in the partitions of the topic, asked for each leader by itself, all at once. Rejects with `publish.*` (also while a
 * partition has no leader) or the reason of `stop`.
 */
export function onLeaders<Found>(
  parts: AdminParts,
  reading: { operation: string; topic: TopicLayout; work: (led: LedPartitions) => Promise<readonly Found[]> },
  stop: AbortSignal,
): Promise<Found[]> {
  const { operation, work } = reading
  const { topic, partitions } = reading.topic
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const ask = async (cluster: Cluster) => {
    await cluster.addTargetTopic(topic)
    const leaders = Object.entries(cluster.findLeaderForPartitions(topic, all))
    const found = await Promise.all(
      leaders.map(async ([nodeId, led]) =>
        work({ broker: await cluster.findBroker({ nodeId }), topic, partitions: led }),
      ),
    )
    return found.flat()
  }
  const use = { operation, needs: { 29: `READ on topic ${topic}` }, open: clusterOf, work: ask }
  const again = { clock: parts.clock, policy: leaderRetry, onRetry: () => undefined }
  return retry(() => withConnection(parts, use, stop), again, stop)
}

export const END = -1

/** By partition: the offset of the first record that is not older than `timestamp` (ms since 1970; `END`: of the next one to come), if there is one. */
export async function offsetsOf(
  { broker, topic, partitions }: LedPartitions,
  { isolationLevel, timestamp }: { isolationLevel: IsolationLevel; timestamp: number },
): Promise<Map<number, bigint>> {
  const asked = [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }]
  const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel, topics: asked })
  const offsets = responses.flatMap((one) => one.partitions)
  return new Map(
    offsets.filter(({ offset }) => offset !== '-1').map(({ partition, offset }) => [partition, BigInt(offset)]),
  )
}

/** More than a transaction holds, so that the end of one that has one is among it. */
const MAX_BYTES = 16 << 20

/** What is stored from these offsets on, whatever becomes of its transactions. */
export async function fetchFrom(
  { broker, topic }: LedPartitions,
  from: ReadonlyMap<number, bigint>,
): Promise<FetchedPartition[]> {
  const partitions = [...from].map(([partition, offset]) => {
    return { partition, fetchOffset: String(offset), maxBytes: MAX_BYTES }
  })
  const limits = { isolationLevel: 0, maxWaitTime: 1_000, minBytes: 1, maxBytes: MAX_BYTES } as const
  const { responses } = await broker.fetch({ ...limits, topics: [{ topic, partitions }] })
  return responses.flatMap((one) => one.partitions)
}
