import { partitionOf } from '../../publish/partitioner.ts'

/**
 * The slot of a stream: the partition that Kafka's Java client selects for a record whose key is the stream name
 * (murmur2) in a topic with `slots` partitions. It does not depend on other streams; changing the number of slots moves
 * most streams.
 */
export function slotOf(stream: string, slots: number): number {
  return partitionOf(Buffer.from(stream), slots)
}

/** The streams whose slot is in `held`. */
export function streamsIn(held: readonly number[], streams: readonly string[], slots: number): ReadonlySet<string> {
  const wanted = new Set(held)
  return new Set(slots === 0 ? [] : streams.filter((stream) => wanted.has(slotOf(stream, slots))))
}

/** The number of streams in each slot. */
export function streamsPerSlot(streams: readonly string[], slots: number): number[] {
  const counts = Array.from({ length: slots }, () => 0)
  if (slots === 0) return counts
  for (const stream of streams) {
    const slot = slotOf(stream, slots)
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}
