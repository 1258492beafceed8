import { hash } from 'node:crypto'
import type { Brand } from '../runtime/brand.ts'

/**
 * The first 64 bits of the hash of a client id; of the content where a dead letter has no id. Eight Latin-1 characters:
 * they take less time and memory than a BigInt.
 */
export type ClientKey = Brand<string, 'ClientKey'>

/** The first 64 bits of a content hash, likewise. Compared for equality only. */
export type ContentKey = Brand<string, 'ContentKey'>

/** The content is not known: whatever is read differs from it. */
export const UNKNOWN_CONTENT = keyText(0, 0) as ContentKey

/** What the client index knows of one client. */
export interface IndexEntry {
  readonly content: ContentKey
  /** The event number of the client's last event; a dead letter takes the number of the next event. */
  readonly number: number
  /** The number of the scan that published it, in 32 bits: see `Scan.number`. */
  readonly scan: number
  readonly isDeadLetter: boolean
}

/**
 * An entry is nine little-endian words: key (2), content (2), number (51 bits), unused (4 bits), dead letter (1 bit),
 * unused (8 bits), scan (1), unused (2). So its bytes are whole groups of base64, and texts of entries can be joined.
 */
export const ENTRY_WORDS = 9
export const ENTRY_BYTES = ENTRY_WORDS * 4
export const MAX_EVENT_NUMBER = 2 ** 51 - 1

const HIGH_NUMBER = 2 ** 19 - 1
const DEAD_LETTER = 1 << 23
const KEY_BYTES = 8
/** In base64url. */
const KEY_CHARACTERS = 11

export function clientKey(id: string): ClientKey {
  return hash('sha256', id, 'binary').slice(0, KEY_BYTES) as ClientKey
}

/** `contentHash`: SHA-256 as base64url. */
export function contentKey(contentHash: string): ContentKey {
  const key = Buffer.from(contentHash.slice(0, KEY_CHARACTERS), 'base64url').toString('latin1', 0, KEY_BYTES)
  return (key === UNKNOWN_CONTENT ? keyText(0, 1) : key) as ContentKey
}

/** The high or low 32 bits of a key. */
export const highWord = (key: ClientKey | ContentKey): number => wordIn(key, 0)
export const lowWord = (key: ClientKey | ContentKey): number => wordIn(key, 4)

function wordIn(key: string, at: number): number {
  const high = (key.charCodeAt(at) << 24) | (key.charCodeAt(at + 1) << 16)
  return (high | (key.charCodeAt(at + 2) << 8) | key.charCodeAt(at + 3)) >>> 0
}

/** A key from its high and low 32 bits. */
export function keyText(high: number, low: number): string {
  return wordText(high) + wordText(low)
}

function wordText(word: number): string {
  return String.fromCharCode(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff)
}

/** Writes an entry at a word offset. Throws for a number beyond 51 bits. */
export function writeEntry(words: Uint32Array, at: number, key: ClientKey, entry: IndexEntry): void {
  if (entry.number > MAX_EVENT_NUMBER) throw new RangeError(`event number ${entry.number} is beyond the client index`)
  words[at] = highWord(key)
  words[at + 1] = lowWord(key)
  words[at + 2] = highWord(entry.content)
  words[at + 3] = lowWord(entry.content)
  words[at + 4] = entry.number % 2 ** 32
  words[at + 5] = Math.floor(entry.number / 2 ** 32) | (entry.isDeadLetter ? DEAD_LETTER : 0)
  words[at + 6] = entry.scan
}

export function readEntry(words: Uint32Array, at: number): IndexEntry {
  const last = word(words, at + 5)
  return {
    content: keyText(word(words, at + 2), word(words, at + 3)) as ContentKey,
    number: readNumber(words, at),
    scan: word(words, at + 6),
    isDeadLetter: (last & DEAD_LETTER) !== 0,
  }
}

/** The event number of an entry. */
function readNumber(words: Uint32Array, at: number): number {
  return word(words, at + 4) + (word(words, at + 5) & HIGH_NUMBER) * 2 ** 32
}

export function readKey(words: Uint32Array, at: number): ClientKey {
  return keyText(word(words, at), word(words, at + 1)) as ClientKey
}

/** The words of entries, in the given order. */
export function entryWordsOf(entries: Iterable<readonly [ClientKey, IndexEntry]>): Uint32Array {
  const all = [...entries]
  const words = new Uint32Array(all.length * ENTRY_WORDS)
  for (const [at, [key, entry]] of all.entries()) writeEntry(words, at * ENTRY_WORDS, key, entry)
  return words
}

/** Negative, 0 or positive, as the key at one offset sorts before, with or after the key at the other. */
export function compareKeys(left: Uint32Array, at: number, right: Uint32Array, other: number): number {
  return word(left, at) - word(right, other) || word(left, at + 1) - word(right, other + 1)
}

/** The entries of `words` between two entry numbers, in the bytes in which they are stored. */
export function entryBytes(words: Uint32Array, from = 0, to = words.length / ENTRY_WORDS): Buffer {
  return Buffer.from(words.buffer, words.byteOffset + from * ENTRY_BYTES, (to - from) * ENTRY_BYTES)
}

/** The words of stored entries: a view where they are aligned, else a copy. */
export function entryWords(bytes: Uint8Array): Uint32Array {
  const length = Math.floor(bytes.length / 4)
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, length)
  const words = new Uint32Array(length)
  Buffer.from(words.buffer).set(bytes.subarray(0, length * 4))
  return words
}

const word = (words: Uint32Array, at: number): number => words[at] as number
