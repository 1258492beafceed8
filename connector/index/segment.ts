import { hash } from 'node:crypto'
import { MAX_SEGMENT_BYTES } from '../storage/segment-store.ts'
import { compareKeys, ENTRY_BYTES, ENTRY_WORDS, entryWords } from './index-entry.ts'

// A segment is a stored part of the client index: a header, then entries in the order of their keys, each key once. It
// never changes once it is written.

const HEADER_BYTES = 16
const HEADER_WORDS = HEADER_BYTES / 4
const MAGIC = 'PCIX'
const FORMAT = 1
export const MAX_SEGMENT_ENTRIES = Math.floor((MAX_SEGMENT_BYTES - HEADER_BYTES) / ENTRY_BYTES)

/** A segment in the making, in memory of its size: it is stored from there. */
export class SegmentMemory {
  readonly #words: Uint32Array<ArrayBuffer>
  /** Header included. */
  #used = HEADER_WORDS

  constructor(entries: number) {
    this.#words = new Uint32Array(HEADER_WORDS + entries * ENTRY_WORDS)
  }

  hasRoomFor(words: Uint32Array): boolean {
    return this.#used + words.length <= this.#words.length
  }

  /** Adds entries whose keys follow those that it has. */
  append(words: Uint32Array): void {
    this.#words.set(words, this.#used)
    this.#used += words.length
  }

  /**
   * Adds entries in the order of their keys, each key once. They replace those with the same key. Throws a `RangeError`
   * without room for all of them, where V8 would drop them.
   */
  merge(added: Uint32Array): void {
    if (!this.hasRoomFor(added)) throw new RangeError('merge segments: they have more entries than the checkpoint says')
    const words = this.#words
    const end = this.#used + added.length
    let [own, other, to] = [this.#used, added.length, end]
    // From the last one, so that each entry goes straight to its place.
    while (other > 0) {
      const order = own === HEADER_WORDS ? -1 : compareKeys(words, own - ENTRY_WORDS, added, other - ENTRY_WORDS)
      to -= ENTRY_WORDS
      if (order >= 0) own -= ENTRY_WORDS
      if (order <= 0) other -= ENTRY_WORDS
      const [from, at] = order > 0 ? [words, own] : [added, other]
      for (let word = 0; word < ENTRY_WORDS; word += 1) words[to + word] = from[at + word] as number
    }
    words.copyWithin(own, to, end)
    this.#used = end - (to - own)
  }

  bytes(): Buffer {
    const bytes = Buffer.from(this.#words.buffer, 0, this.#used * 4)
    bytes.write(MAGIC, 'latin1')
    bytes.writeUInt16LE(FORMAT, 4)
    bytes.writeUInt32LE(entriesOf(bytes), 8)
    return bytes
  }
}

/** `sorted`: entries in the order of their keys, each key once. */
export function segmentBytes(sorted: Uint32Array): Buffer {
  const memory = new SegmentMemory(sorted.length / ENTRY_WORDS)
  memory.append(sorted)
  return memory.bytes()
}

/** How many entries a segment has. */
export const entriesOf = (segment: Uint8Array): number => (segment.length - HEADER_BYTES) / ENTRY_BYTES

/** The entries of a segment; undefined where the bytes are not those whose SHA-256 (base64url) is `sha256`. */
export function segmentEntries(bytes: Uint8Array, sha256: string): Uint32Array | undefined {
  return segmentHash(bytes) === sha256 ? entryWords(bytes.subarray(HEADER_BYTES)) : undefined
}

export function segmentHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64url')
}

/** Entries in the order of their keys; of several with one key, the last one. */
export function sortedEntries(words: Uint32Array): Uint32Array {
  const places = Array.from({ length: words.length / ENTRY_WORDS }, (_, entry) => entry * ENTRY_WORDS)
  places.sort((left, right) => compareKeys(words, left, words, right) || left - right)
  const kept = places.filter((place, index) => {
    const next = places[index + 1]
    return next === undefined || compareKeys(words, place, words, next) !== 0
  })
  const sorted = new Uint32Array(kept.length * ENTRY_WORDS)
  for (const [entry, place] of kept.entries()) {
    for (let word = 0; word < ENTRY_WORDS; word += 1) sorted[entry * ENTRY_WORDS + word] = words[place + word] as number
  }
  return sorted
}
