import { retry } from '../runtime/retry.ts'
import {
  type Cluster,
  clusterOf,
  type FetchedPartition,
  type IsolationLevel,
  type LeadingBroker,
} from './kafka-cluster.ts'
import { type AdminParts, withConnection } from './kafka-session.ts'
import type { TopicLayout } from './outgoing-batches.ts'

/** What is in a partition without the end of its transaction. */
export interface HangingRecords {
  readonly partition: number
  /** The offset before which everything has an end. */
  readonly from: bigint
  readonly values: readonly string[]
}

/** A leader that was just elected does not tell its offsets for a moment. */
const leaderRetry = { retries: 12, firstPauseMs: 100, maxPauseMs: 2000, maxRetryAfterMs: 0 }

/** What open transactions, of whomever, hold in the topic. Rejects with `publish.*` (also while a partition has no leader) or the reason of `stop`. */
export function readHanging(
  parts: AdminParts,
  topic: TopicLayout,
  stop: AbortSignal,
): Promise<readonly HangingRecords[]> {
  const operation = `look for records without an end in ${topic.topic}`
  const work = (cluster: Cluster) => hangingIn(cluster, topic)
  const use = { operation, needs: { 29: `READ on topic ${topic.topic}` }, open: clusterOf, work }
  const again = { clock: parts.clock, policy: leaderRetry, onRetry: () => undefined }
  return retry(() => withConnection(parts, use, stop), again, stop)
}

async function hangingIn(cluster: Cluster, { topic, partitions }: TopicLayout): Promise<HangingRecords[]> {
  await cluster.addTargetTopic(topic)
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const leaders = Object.entries(cluster.findLeaderForPartitions(topic, all))
  const found = await Promise.all(
    leaders.map(async ([nodeId, led]) => {
      const broker = await cluster.findBroker({ nodeId })
      const ends = await endsOf(broker, { topic, partitions: led, isolationLevel: 0 })
      const stable = await endsOf(broker, { topic, partitions: led, isolationLevel: 1 })
      const from = new Map([...stable].filter(([partition, offset]) => offset < (ends.get(partition) ?? 0n)))
      return from.size === 0 ? [] : (await fetchFrom(broker, topic, from)).map((one) => openRecords(one, from))
    }),
  )
  return found.flat()
}

async function endsOf(
  broker: LeadingBroker,
  of: { topic: string; partitions: readonly number[]; isolationLevel: IsolationLevel },
): Promise<Map<number, bigint>> {
  const { topic, isolationLevel } = of
  const partitions = of.partitions.map((partition) => ({ partition, timestamp: -1 as const }))
  const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel, topics: [{ topic, partitions }] })
  const ends = responses.flatMap((one) => one.partitions)
  return new Map(ends.map(({ partition, offset }) => [partition, BigInt(offset)]))
}

/** More than a transaction holds, so that the end of one that has one is among it. */
const MAX_BYTES = 16 << 20

async function fetchFrom(broker: LeadingBroker, topic: string, from: ReadonlyMap<number, bigint>) {
  const partitions = [...from].map(([partition, offset]) => {
    return { partition, fetchOffset: String(offset), maxBytes: MAX_BYTES }
  })
  const limits = { isolationLevel: 0, maxWaitTime: 1_000, minBytes: 1, maxBytes: MAX_BYTES } as const
  const { responses } = await broker.fetch({ ...limits, topics: [{ topic, partitions }] })
  return responses.flatMap((one) => one.partitions)
}

/** Of each producer, what comes after its last end. */
function openRecords({ partition, messages }: FetchedPartition, starts: ReadonlyMap<number, bigint>): HangingRecords {
  const from = starts.get(partition) ?? 0n
  const open = new Map<string, string[]>()
  for (const { offset, isControlRecord, value, batchContext } of messages) {
    const { producerId, inTransaction } = batchContext
    if (isControlRecord) open.delete(producerId)
    else if (inTransaction && BigInt(offset) >= from) {
      const values = open.get(producerId) ?? []
      open.set(producerId, values)
      values.push(value?.toString() ?? '')
    }
  }
  return { partition, from, values: [...open.values()].flat() }
}
