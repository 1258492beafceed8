import { hash } from 'node:crypto'
import type { Brand } from '../runtime/compiler-checks.ts'

/**
 * A key is the first 64 bits of the hash of a client id, or of the content where a dead letter has no id. It is eight
 * Latin-1 characters, which take less time and memory than a BigInt.
 */
export type ClientKey = Brand<string, 'ClientKey'>

/** A content key is the first 64 bits of a content hash, in the same form. It is compared for equality only. */
export type ContentKey = Brand<string, 'ContentKey'>

/** Stands for a content that is not known: whatever is read differs from it. */
export const UNKNOWN_CONTENT = keyText(0, 0) as ContentKey

/** The client index knows this of one client. */
export interface IndexEntry {
  readonly content: ContentKey
  /** Its last event or dead letter has this number. */
  readonly eventNumber: number
  /** The scan that published it has this number, in 32 bits: see `Scan.number`. */
  readonly scanNumber: number
  readonly isDeadLetter: boolean
}

/**
 * An entry is seven little-endian words, in memory and stored: key (2), content (2), number (51 bits) with dead letter
 * (1) and a last bit that is always set, and scan.
 */
export const ENTRY_WORDS = 7
export const ENTRY_BYTES = ENTRY_WORDS * 4
export const MAX_EVENT_NUMBER = 2 ** 51 - 1

const HIGH_NUMBER = 2 ** 19 - 1
const DEAD_LETTER = 1 << 19
/** Tells an entry from a slot of the table without one, which is zero. */
const IS_ENTRY = 1 << 31
const KEY_BYTES = 8
/** So many characters of base64url hold the bytes of a key. */
const KEY_CHARACTERS = 11

export function clientKey(id: string): ClientKey {
  return hash('sha256', id, 'binary').slice(0, KEY_BYTES) as ClientKey
}

/** Returns the key of a client as text, for what is stored of a client besides the index. */
export const hashedId = (id: string): string => Buffer.from(clientKey(id), 'latin1').toString('base64url')

export const keyOfHashed = (hashed: string): ClientKey =>
  Buffer.from(hashed, 'base64url').toString('latin1', 0, KEY_BYTES) as ClientKey

/** Returns the key of a content by its SHA-256 in base64url. */
export function contentKey(contentHash: string): ContentKey {
  const key = Buffer.from(contentHash.slice(0, KEY_CHARACTERS), 'base64url').toString('latin1', 0, KEY_BYTES)
  return (key === UNKNOWN_CONTENT ? keyText(0, 1) : key) as ContentKey
}

/** These return the high or the low 32 bits of a key. */
export const highWord = (key: ClientKey | ContentKey): number => wordIn(key, 0)
export const lowWord = (key: ClientKey | ContentKey): number => wordIn(key, 4)

function wordIn(key: string, at: number) {
  const high = (key.charCodeAt(at) << 24) | (key.charCodeAt(at + 1) << 16)
  return (high | (key.charCodeAt(at + 2) << 8) | key.charCodeAt(at + 3)) >>> 0
}

/** Returns the key with these high and low 32 bits. */
export function keyText(high: number, low: number): string {
  return wordText(high) + wordText(low)
}

function wordText(word: number) {
  return String.fromCharCode(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff)
}

/** Writes an entry at a word offset. Throws for a number beyond 51 bits. */
export function writeEntry(words: Uint32Array, at: number, key: ClientKey, entry: IndexEntry): void {
  if (entry.eventNumber > MAX_EVENT_NUMBER)
    throw new RangeError(`event number ${entry.eventNumber} is beyond the client index`)
  words[at] = highWord(key)
  words[at + 1] = lowWord(key)
  words[at + 2] = highWord(entry.content)
  words[at + 3] = lowWord(entry.content)
  words[at + 4] = entry.eventNumber % 2 ** 32
  const flags = IS_ENTRY | (entry.isDeadLetter ? DEAD_LETTER : 0)
  words[at + 5] = flags | Math.floor(entry.eventNumber / 2 ** 32)
  words[at + 6] = entry.scanNumber
}

export function readEntry(words: Uint32Array, at: number): IndexEntry {
  const flags = word(words, at + 5)
  return {
    content: keyText(word(words, at + 2), word(words, at + 3)) as ContentKey,
    eventNumber: eventNumberAt(words, at),
    scanNumber: word(words, at + 6),
    isDeadLetter: (flags & DEAD_LETTER) !== 0,
  }
}

export const isEntry = (words: Uint32Array, at: number): boolean => (word(words, at + 5) & IS_ENTRY) !== 0

export const isContentUnknown = (words: Uint32Array, at: number): boolean =>
  word(words, at + 2) === 0 && word(words, at + 3) === 0

export const eventNumberAt = (words: Uint32Array, at: number): number =>
  (word(words, at + 5) & HIGH_NUMBER) * 2 ** 32 + word(words, at + 4)

export function hasUnknownContent(words: Uint32Array): boolean {
  for (let at = 0; at < words.length; at += ENTRY_WORDS) if (isContentUnknown(words, at)) return true
  return false
}

/** Returns the same entries, with their contents unknown. */
export function withUnknownContents(words: Uint32Array): Uint32Array {
  const unknown = words.slice()
  for (let at = 0; at < unknown.length; at += ENTRY_WORDS) unknown.fill(0, at + 2, at + 4)
  return unknown
}

/** Encodes entries in words, in the given order. */
export function encodeEntries(entries: Iterable<readonly [ClientKey, IndexEntry]>): Uint32Array {
  const all = [...entries]
  const words = new Uint32Array(all.length * ENTRY_WORDS)
  let at = 0
  for (const [key, entry] of all) {
    writeEntry(words, at, key, entry)
    at += ENTRY_WORDS
  }
  return words
}

/** Returns the bytes in which entries are stored. */
export function entryBytes(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength)
}

/** Returns the words of stored entries: a view if the bytes are aligned, otherwise a copy. */
export function entryWords(bytes: Uint8Array): Uint32Array {
  const length = Math.floor(bytes.length / 4)
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, length)
  const words = new Uint32Array(length)
  Buffer.from(words.buffer).set(bytes.subarray(0, length * 4))
  return words
}

const word = (words: Uint32Array, at: number) => words[at] as number
