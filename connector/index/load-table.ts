import { hash } from 'node:crypto'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import { type ClientTable, clientTable } from './client-table.ts'
import { compareKeys, ENTRY_BYTES, ENTRY_WORDS, entryBytes, entryWords } from './index-entry.ts'
import { deltaWords, type IndexState, type SegmentReference } from './index-state.ts'

/**
 * The entries of a stored segment. Rejects with `checkpoint.index-missing`, `checkpoint.index-damaged`, `storage.*` or
 * the reason of `stop`.
 */
export async function readSegment(
  store: Pick<SegmentStore, 'get'>,
  { name, sha256 }: SegmentReference,
  stop: AbortSignal,
): Promise<Uint32Array> {
  const bytes = await store.get(name, stop)
  if (bytes === undefined)
    throw new ConnectorError('checkpoint.index-missing', `load client index: segment ${name} does not exist`)
  const words = segmentEntries(bytes, sha256)
  if (words !== undefined) return words
  throw new ConnectorError(
    'checkpoint.index-damaged',
    `load client index: segment ${name} (${bytes.length} bytes) does not have the hash that the checkpoint names`,
  )
}

/** Whether a segment is missing or damaged. */
export const isDamage = (error: unknown): boolean =>
  codeOf(error) === 'checkpoint.index-missing' || codeOf(error) === 'checkpoint.index-damaged'

/** Requests at the same time. */
const PARALLEL = 16

/** The table of a stored index. Rejects as reading segments does. */
export async function loadTable(
  store: Pick<SegmentStore, 'get'>,
  { segments, delta }: Pick<IndexState, 'segments' | 'delta'>,
  stop: AbortSignal,
): Promise<ClientTable> {
  const read: Uint32Array[] = []
  const queue = [...segments.entries()]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, reference] = next
      read[index] = await readSegment(store, reference, stop)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  const bases = segments.filter(({ tier }) => tier === 'base').length
  const table = clientTable(joined(read.slice(0, bases)))
  for (const words of read.slice(bases)) table.setAll(words)
  table.setAll(deltaWords(delta))
  return table
}

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
