import type { AdminParts } from './kafka-session.ts'
import type { FetchedPartition } from './kafkajs/kafka-cluster.ts'
import type { TopicLayout } from './outgoing-batches.ts'
import { END, fetchFrom, type LedPartitions, offsetsOf, onLeaders } from './read-partitions.ts'

/** What is in a partition without the end of its transaction. */
export interface HangingRecords {
  readonly partition: number
  /** The offset before which everything has an end. */
  readonly from: bigint
  readonly values: readonly string[]
}

/** What open transactions, of whomever, hold in the topic. Rejects like `onLeaders`. */
export function readHanging(parts: AdminParts, topic: TopicLayout, stop: AbortSignal): Promise<HangingRecords[]> {
  const operation = `look for records without an end in ${topic.topic}`
  return onLeaders(parts, { operation, topic, work: hangingIn }, stop)
}

async function hangingIn(led: LedPartitions): Promise<HangingRecords[]> {
  const ends = await offsetsOf(led, { isolationLevel: 0, timestamp: END })
  const stable = await offsetsOf(led, { isolationLevel: 1, timestamp: END })
  const from = new Map([...stable].filter(([partition, offset]) => offset < (ends.get(partition) ?? 0n)))
  return from.size === 0 ? [] : (await fetchFrom(led, from)).map((one) => openRecords(one, from))
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
