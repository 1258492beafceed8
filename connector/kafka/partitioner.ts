const seed = 0x9747b28c
const factor = 0x5bd1e995

/** Returns the hash of Kafka's Java client (`Utils.murmur2`), a signed 32-bit number. */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  const tail = length & ~3
  let hash = seed ^ length
  for (let at = 0; at < tail; at += 4) {
    const word = byte(data, at) | (byte(data, at + 1) << 8) | (byte(data, at + 2) << 16) | (byte(data, at + 3) << 24)
    const mixed = Math.imul(word, factor)
    hash = Math.imul(hash, factor) ^ Math.imul(mixed ^ (mixed >>> 24), factor)
  }
  if (tail < length) {
    for (let at = length - 1; at >= tail; at -= 1) hash ^= byte(data, at) << (8 * (at - tail))
    hash = Math.imul(hash, factor)
  }
  hash = Math.imul(hash ^ (hash >>> 13), factor)
  return hash ^ (hash >>> 15)
}

const byte = (data: Uint8Array, at: number) => data[at] ?? 0

/**
 * Returns the partition that Kafka's Java client chooses for a key, so that joins and other producers agree with ours.
 */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
