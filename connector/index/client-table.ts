import {
  type ClientKey,
  compareKeys,
  ENTRY_WORDS,
  highWord,
  type IndexEntry,
  lowWord,
  readEntry,
  readKey,
  writeEntry,
} from './index-entry.ts'

/**
 * The client index in memory: 36 bytes a client. Partitions by the first bits of the key keep every operation short.
 */
export interface ClientTable {
  get(key: ClientKey): IndexEntry | undefined
  set(key: ClientKey, entry: IndexEntry): void
  /** Sets every entry of `words`, in their order. */
  setAll(words: Uint32Array): void
  /**
   * Sets entries in the order of their keys, each key once: moves every other entry at most once. `coming`: how many
   * will be set next; some room is left for them.
   */
  merge(sorted: Uint32Array, coming?: number): void
  size(): number
  /** Bytes of the arrays that hold the entries, with the room for new ones. */
  bytes(): number
  /** All entries in the order of their keys, one partition at a time; each holds what is set when it is taken. */
  partitions(): Generator<Uint32Array, void>
}

const PARTITION_BITS = 10
const PARTITIONS = 2 ** PARTITION_BITS
const MAX_ROOM = 32

/** Entries in the order of their keys, then room for new ones. */
interface Partition {
  words: Uint32Array<ArrayBuffer>
  used: number
}

/** Shared: most partitions of a small index are empty. */
const noEntries = new Uint32Array()

/** `sorted`: entries in the order of their keys, each key once. */
export function clientTable(sorted: Uint32Array = noEntries): ClientTable {
  const partitions = Array.from({ length: PARTITIONS }, (): Partition => ({ words: noEntries, used: 0 }))
  let size = merged(partitions, sorted, 0)
  const probe = new Uint32Array(ENTRY_WORDS)
  const partitionOf = (words: Uint32Array, at: number) =>
    partitions[(words[at] as number) >>> (32 - PARTITION_BITS)] as Partition

  const put = (words: Uint32Array, at: number) => {
    const partition = partitionOf(words, at)
    const { place, isFound } = find(partition, words, at)
    if (!isFound) {
      openGap(partition, place)
      size += 1
    }
    for (let word = 0; word < ENTRY_WORDS; word += 1) partition.words[place + word] = words[at + word] as number
  }
  return {
    get: (key) => {
      probe[0] = highWord(key)
      probe[1] = lowWord(key)
      const partition = partitionOf(probe, 0)
      const { place, isFound } = find(partition, probe, 0)
      return isFound ? readEntry(partition.words, place) : undefined
    },
    set: (key, entry) => {
      writeEntry(probe, 0, key, entry)
      put(probe, 0)
    },
    setAll: (words) => {
      for (let at = 0; at < words.length; at += ENTRY_WORDS) put(words, at)
    },
    merge: (words, coming = 0) => {
      size += merged(partitions, words, coming)
    },
    size: () => size,
    bytes: () => partitions.reduce((sum, { words }) => sum + words.byteLength, 0),
    partitions: function* () {
      for (const { words, used } of partitions) yield words.slice(0, used)
    },
  }
}

/** All entries, in the order of their keys. */
export function* entriesIn(table: Pick<ClientTable, 'partitions'>): Generator<readonly [ClientKey, IndexEntry], void> {
  for (const words of table.partitions())
    for (let at = 0; at < words.length; at += ENTRY_WORDS) yield [readKey(words, at), readEntry(words, at)]
}

/** How many entries were added. */
function merged(partitions: readonly Partition[], sorted: Uint32Array, coming: number): number {
  const room = Math.min(MAX_ROOM, Math.ceil((2 * coming) / PARTITIONS))
  let added = 0
  for (let at = 0; at < sorted.length; ) {
    const number = (sorted[at] as number) >>> (32 - PARTITION_BITS)
    const start = at
    while (at < sorted.length && (sorted[at] as number) >>> (32 - PARTITION_BITS) === number) at += ENTRY_WORDS
    added += mergeInto(partitions[number] as Partition, sorted.subarray(start, at), room)
  }
  return added
}

function mergeInto(partition: Partition, sorted: Uint32Array, room: number): number {
  let added = 0
  for (let at = 0; at < sorted.length; at += ENTRY_WORDS) if (!find(partition, sorted, at).isFound) added += 1
  const used = partition.used + added * ENTRY_WORDS
  if (used > partition.words.length) enlarge(partition, used + room * ENTRY_WORDS)
  const { words } = partition
  let gap = added * ENTRY_WORDS
  let end = partition.used
  // From the last one, so that each entry goes straight to its place.
  for (let at = sorted.length - ENTRY_WORDS; at >= 0; at -= ENTRY_WORDS) {
    const { place, isFound } = find({ words, used: end }, sorted, at)
    const next = isFound ? place + ENTRY_WORDS : place
    if (gap > 0) words.copyWithin(next + gap, next, end)
    if (!isFound) gap -= ENTRY_WORDS
    words.set(sorted.subarray(at, at + ENTRY_WORDS), place + gap)
    end = place
  }
  partition.used = used
  return added
}

/** Moves the entries: their former memory is free at once, and not only after a collection. */
function enlarge(partition: Partition, length: number): void {
  const { words, used } = partition
  const bytes = length * words.BYTES_PER_ELEMENT
  partition.words = new Uint32Array(used === 0 ? new ArrayBuffer(bytes) : words.buffer.transfer(bytes))
}

/** Where the key that is at `at` of `key` is, or belongs. In words. */
function find({ words, used }: Partition, key: Uint32Array, at: number): { place: number; isFound: boolean } {
  let [low, high] = [0, used / ENTRY_WORDS]
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareKeys(words, middle * ENTRY_WORDS, key, at)
    if (order === 0) return { place: middle * ENTRY_WORDS, isFound: true }
    if (order < 0) low = middle + 1
    else high = middle
  }
  return { place: low * ENTRY_WORDS, isFound: false }
}

/** Moves the entries from `place` on up by one. */
function openGap(partition: Partition, place: number): void {
  const { words, used } = partition
  if (used === words.length) {
    // A sixteenth of the entries, so that small tables stay small.
    const room = Math.min(MAX_ROOM, 4 + ((used / ENTRY_WORDS) >>> 4))
    enlarge(partition, used + room * ENTRY_WORDS)
  }
  partition.words.copyWithin(place + ENTRY_WORDS, place, used)
  partition.used += ENTRY_WORDS
}
