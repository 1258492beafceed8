import { type ClientKey, highWord, lowWord } from './index-entry.ts'

/**
 * A set of client keys in memory: 11 to 22 bytes a client. Partitions by the first bits of the key grow one by one, so
 * that no operation takes long.
 */
export interface KeySet {
  add(key: ClientKey): void
  has(key: ClientKey): boolean
  size(): number
}

const PARTITION_BITS = 10
const FIRST_SLOTS = 8
const SLOT_WORDS = 2

/** Open addressing; a slot of zeros is free. */
interface Partition {
  words: Uint32Array
  used: number
}

export function keySet(): KeySet {
  const partitions = new Map<number, Partition>()
  let size = 0
  return {
    add: (key) => {
      const [high, low] = wordsOf(key)
      const number = high >>> (32 - PARTITION_BITS)
      const partition = partitions.get(number) ?? { words: slots(FIRST_SLOTS), used: 0 }
      partitions.set(number, partition)
      if (!put(partition.words, high, low)) return
      size += 1
      partition.used += 1
      if (partition.used * SLOT_WORDS * 4 >= partition.words.length * 3) grow(partition)
    },
    has: (key) => {
      const [high, low] = wordsOf(key)
      const words = partitions.get(high >>> (32 - PARTITION_BITS))?.words
      return words !== undefined && isIn(words, slotOf(words, high, low), [high, low])
    },
    size: () => size,
  }
}

const slots = (count: number) => new Uint32Array(count * SLOT_WORDS)

/** A key of zeros counts as the one after it. */
function wordsOf(key: ClientKey): [high: number, low: number] {
  const [high, low] = [highWord(key), lowWord(key)]
  return [high, high === 0 && low === 0 ? 1 : low]
}

/** Where the key is, or belongs. */
function slotOf(words: Uint32Array, high: number, low: number): number {
  const last = words.length - SLOT_WORDS
  let at = (low * SLOT_WORDS) & last
  while ((words[at] !== 0 || words[at + 1] !== 0) && (words[at] !== high || words[at + 1] !== low))
    at = (at + SLOT_WORDS) & last
  return at
}

const isIn = (words: Uint32Array, at: number, [high, low]: readonly [number, number]) =>
  words[at] === high && words[at + 1] === low

/** Whether the key is new. */
function put(words: Uint32Array, high: number, low: number): boolean {
  const at = slotOf(words, high, low)
  if (isIn(words, at, [high, low])) return false
  words[at] = high
  words[at + 1] = low
  return true
}

function grow(partition: Partition): void {
  const { words } = partition
  partition.words = new Uint32Array(words.length * 2)
  for (let at = 0; at < words.length; at += SLOT_WORDS)
    if (words[at] !== 0 || words[at + 1] !== 0) put(partition.words, words[at] as number, words[at + 1] as number)
}
