import { hash } from 'node:crypto'
import { compareKeys, ENTRY_BYTES, ENTRY_WORDS, entryBytes, entryWords } from './index-entry.ts'

/**
 * A stored part of the client index: a header, then entries in the order of their keys, each key once. Never changed
 * once written.
 */
const HEADER_BYTES = 16
const MAGIC = 'PCIX'
const FORMAT = 1
const MAX_BYTES = 8 * 1024 * 1024
export const MAX_SEGMENT_ENTRIES = Math.floor((MAX_BYTES - HEADER_BYTES) / ENTRY_BYTES)

export function segmentBytes(sorted: Uint32Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(MAGIC, 'latin1')
  header.writeUInt16LE(FORMAT, 4)
  header.writeUInt32LE(sorted.length / ENTRY_WORDS, 8)
  return Buffer.concat([header, entryBytes(sorted)])
}

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

export function joined(parts: readonly Uint32Array[]): Uint32Array {
  const words = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    words.set(part, at)
    at += part.length
  }
  return words
}
