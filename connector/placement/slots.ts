import { partitionOf } from '../publish/partition.ts'

/**
 * The slot of a stream: the partition that Kafka's Java client picks for a record with the stream's name as its key (murmur2), in a topic
 * with so many partitions. Other streams do not matter; another number of slots moves most streams.
 */
export function slotOf(stream: string, slots: number): number {
  return partitionOf(Buffer.from(stream), slots)
}

/** The streams that belong to some of the slots. */
export function streamsIn(held: readonly number[], streams: readonly string[], slots: number): ReadonlySet<string> {
  const wanted = new Set(held)
  return new Set(slots === 0 ? [] : streams.filter((stream) => wanted.has(slotOf(stream, slots))))
}

/** How many of the streams each slot has, by slot. */
export function streamsPerSlot(streams: readonly string[], slots: number): number[] {
  const counts = Array.from({ length: slots }, () => 0)
  if (slots === 0) return counts
  for (const stream of streams) {
    const slot = slotOf(stream, slots)
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}
