import {
  type ClientKey,
  ENTRY_WORDS,
  eventNumberAt,
  highWord,
  type IndexEntry,
  isContentUnknown,
  isEntry,
  lowWord,
  readEntry,
  writeEntry,
} from './index-entry.ts'

/**
 * The client index in memory uses open addressing, with at most 40 bytes a client
 * (docs/decisions/20261126-client-index.md). Its parts, by the first bits of the key, grow one at a time, so that
 * growth copies little.
 */
export interface ClientTable {
  get(key: ClientKey): IndexEntry | undefined
  set(key: ClientKey, entry: IndexEntry): void
  /** Sets every entry of `words`, in their order. */
  setAll(words: Uint32Array): void
  size(): number
  /** Returns the bytes of the arrays that hold the entries, with the room for new ones. */
  bytes(): number
  /**
   * Yields the entries of a range, or all, each once, in no order, a part at a time. A part holds what is set when it
   * is taken.
   */
  entries(range?: EntryRange): Generator<Uint32Array, void>
}

/**
 * A range has the entries with event numbers from `from` to below `to`, and with `hasUnknown` also all whose content is
 * unknown.
 */
interface EntryRange {
  readonly from: number
  readonly to: number
  readonly hasUnknown: boolean
}

const allEntries: EntryRange = { from: 0, to: Number.POSITIVE_INFINITY, hasUnknown: false }

/** A client takes at most this many bytes, unless the index is small. */
export const CLIENT_BYTES = 40

const TABLE_PARTS = 256
/** A part that is fuller than `MAX_LOAD` grows, to `GROWTH` slots for each entry. */
const MAX_LOAD = 0.9
const GROWTH = 1.4

/** A part has slots for entries; a free slot is zero. */
interface Part {
  words: Uint32Array
  slots: number
  used: number
}

/** Parts without an entry share this slot. They grow before their first entry is set, so nothing is written to it. */
const oneFreeSlot = new Uint32Array(ENTRY_WORDS)

/** Creates a table with room for `expected` clients. */
export function clientTable(expected = 0): ClientTable {
  const slots = Math.floor((expected / TABLE_PARTS) * GROWTH)
  const parts = Array.from({ length: TABLE_PARTS }, () => (slots > 1 ? partOf(slots) : emptyPart()))
  const newEntry = new Uint32Array(ENTRY_WORDS)
  const partWith = (high: number) => parts[high >>> 24] as Part
  return {
    get: (key) => {
      const high = highWord(key)
      const part = partWith(high)
      const at = offsetOf(part, high, lowWord(key))
      return isEntry(part.words, at) ? readEntry(part.words, at) : undefined
    },
    set: (key, entry) => {
      writeEntry(newEntry, 0, key, entry)
      putEntry(partWith(newEntry[0] as number), newEntry, 0)
    },
    setAll: (words) => {
      for (let at = 0; at < words.length; at += ENTRY_WORDS) putEntry(partWith(words[at] as number), words, at)
    },
    size: () => parts.reduce((sum, { used }) => sum + used, 0),
    bytes: () => parts.reduce((sum, { words }) => (words === oneFreeSlot ? sum : sum + words.byteLength), 0),
    entries: function* (range = allEntries) {
      for (const part of parts) yield entriesIn(part, range)
    },
  }
}

const emptyPart = (): Part => ({ words: oneFreeSlot, slots: 1, used: 0 })
const partOf = (slots: number): Part => ({ words: new Uint32Array(slots * ENTRY_WORDS), slots, used: 0 })

function putEntry(part: Part, words: Uint32Array, from: number) {
  const high = words[from] as number
  const low = words[from + 1] as number
  let at = offsetOf(part, high, low)
  if (!isEntry(part.words, at)) {
    if (part.used + 1 > MAX_LOAD * part.slots) {
      grow(part)
      at = offsetOf(part, high, low)
    }
    part.used += 1
  }
  copyEntry(words, from, part.words, at)
}

function grow(part: Part) {
  const { words } = part
  Object.assign(part, { ...partOf(Math.ceil((part.used + 1) * GROWTH)), used: part.used })
  for (let from = 0; from < words.length; from += ENTRY_WORDS) {
    if (isEntry(words, from))
      copyEntry(words, from, part.words, offsetOf(part, words[from] as number, words[from + 1] as number))
  }
}

function copyEntry(from: Uint32Array, at: number, to: Uint32Array, toOffset: number) {
  for (let word = 0; word < ENTRY_WORDS; word += 1) to[toOffset + word] = from[at + word] as number
}

/** Returns where a key is, or else the free slot for it, as an offset in words. */
function offsetOf({ words, slots }: Part, high: number, low: number) {
  let slot = firstSlot(low, slots)
  for (;;) {
    const at = slot * ENTRY_WORDS
    if (!isEntry(words, at) || (words[at] === high && words[at + 1] === low)) return at
    slot = slot + 1 === slots ? 0 : slot + 1
  }
}

/**
 * Returns the first slot to look at. It differs with the number of slots: otherwise entries in the order of one table
 * would crowd together in another.
 */
function firstSlot(low: number, slots: number) {
  const mixed = Math.imul(low ^ Math.imul(slots, 0x9e37_79b1), 0x85eb_ca77)
  return Math.floor(((Math.imul(mixed ^ (mixed >>> 15), 0xc2b2_ae3d) >>> 0) / 2 ** 32) * slots)
}

function entriesIn({ words }: Part, { from, to, hasUnknown }: EntryRange): Uint32Array {
  const offsets: number[] = []
  for (let at = 0; at < words.length; at += ENTRY_WORDS) {
    if (!isEntry(words, at)) continue
    const eventNumber = eventNumberAt(words, at)
    if ((eventNumber >= from && eventNumber < to) || (hasUnknown && isContentUnknown(words, at))) offsets.push(at)
  }
  const foundEntries = new Uint32Array(offsets.length * ENTRY_WORDS)
  for (const [entry, at] of offsets.entries()) copyEntry(words, at, foundEntries, entry * ENTRY_WORDS)
  return foundEntries
}
