import { hash } from 'node:crypto'
import { linkedAbort } from '../runtime/abort.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { free } from '../runtime/memory/free.ts'
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

/** Frees the memory of a segment that was read, unless others may share it. */
export function release({ buffer, byteOffset, byteLength }: Uint32Array): void {
  if (byteOffset === HEADER_BYTES) free(Buffer.from(buffer, 0, byteOffset + byteLength))
}

/** The first answer may be wrong, not the segment. */
export function readTwice(store: SegmentStore, segment: SegmentReference, stop: AbortSignal): Promise<Uint32Array> {
  return readSegment(store, segment, stop).catch((error: unknown) => {
    if (isDamage(error)) return readSegment(store, segment, stop)
    throw error
  })
}

/** Whether a segment is missing or damaged. */
export const isDamage = (error: unknown): boolean =>
  codeOf(error) === 'checkpoint.index-missing' || codeOf(error) === 'checkpoint.index-damaged'

/** A table whose segments are being read. They never change, so those that have arrived are kept for the next try. */
export interface LoadingTable {
  readonly table: ClientTable
  /** The names of the segments that are in it, oldest first. */
  readonly arrived: string[]
}

/** The table that is being loaded, if it is one of this index, or an empty one. */
export function loadingTable({ segments }: Pick<IndexState, 'segments'>, before?: LoadingTable): LoadingTable {
  const isBeginning = before?.arrived.every((name, at) => segments[at]?.name === name)
  return before !== undefined && isBeginning === true ? before : { table: clientTable(), arrived: [] }
}

interface LoadOptions {
  readonly loading?: LoadingTable
  /** Called after each segment with the entries read so far, of all. What it throws ends the loading. */
  readonly onSegment?: (entries: number, of: number) => void
}

/**
 * The table of a stored index. Reads one segment after the other into its place, so that hardly more memory is needed
 * than the table takes. Rejects as reading segments does.
 */
export async function loadTable(
  store: Pick<SegmentStore, 'get'>,
  index: Pick<IndexState, 'segments' | 'delta'>,
  stop: AbortSignal,
  { loading = loadingTable(index), onSegment = () => {} }: LoadOptions = {},
): Promise<ClientTable> {
  const { table, arrived } = loading
  const { segments, delta } = index
  const of = segments.reduce((sum, { entries }) => sum + entries, 0)
  const missing = segments.slice(arrived.length)
  let read = segments.slice(0, arrived.length).reduce((sum, { entries }) => sum + entries, 0)
  for await (const { reference, words } of inOrder(store, missing, stop)) {
    read += reference.entries
    table.merge(words, of - read)
    release(words)
    arrived.push(reference.name)
    onSegment(read, of)
  }
  table.setAll(deltaWords(delta))
  return table
}

/** Requests at the same time: as many small segments, or one of the largest size. */
const PARALLEL = 16

async function* inOrder(store: Pick<SegmentStore, 'get'>, segments: readonly SegmentReference[], stop: AbortSignal) {
  using reading = linkedAbort(stop)
  const asked: { readonly reference: SegmentReference; readonly words: Promise<Uint32Array> }[] = []
  let next = 0
  try {
    for (;;) {
      const reference = segments[next]
      const ahead = asked.reduce((sum, one) => sum + one.reference.entries, reference?.entries ?? 0)
      const isNear = asked.length === 0 || (asked.length < PARALLEL && ahead <= MAX_SEGMENT_ENTRIES)
      if (reference !== undefined && isNear) {
        const words = readSegment(store, reference, reading.signal)
        // Where an earlier one fails first.
        words.catch(() => {})
        asked.push({ reference, words })
        next += 1
        continue
      }
      const first = asked.shift()
      if (first === undefined) return
      yield { reference: first.reference, words: await first.words }
    }
  } finally {
    reading.abort()
  }
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

/** The entries of several parts, each in the order of its keys; of several with one key, that of the last part. */
export function mergedEntries(parts: readonly Uint32Array[]): Uint32Array {
  const places = parts.map(() => 0)
  const merged = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let end = 0
  for (let next = lowestPart(parts, places); next >= 0; next = lowestPart(parts, places)) {
    const words = parts[next] as Uint32Array
    const place = places[next] as number
    if (end > 0 && compareKeys(merged, end - ENTRY_WORDS, words, place) === 0) end -= ENTRY_WORDS
    for (let word = 0; word < ENTRY_WORDS; word += 1) merged[end + word] = words[place + word] as number
    end += ENTRY_WORDS
    places[next] = place + ENTRY_WORDS
  }
  return merged.subarray(0, end)
}

/** The part whose next entry has the lowest key, the first of several; -1 at the end of all. Hot path. */
function lowestPart(parts: readonly Uint32Array[], places: readonly number[]): number {
  let lowest = -1
  for (let part = 0; part < parts.length; part += 1) {
    const words = parts[part] as Uint32Array
    const place = places[part] as number
    if (place === words.length) continue
    if (lowest < 0 || compareKeys(words, place, parts[lowest] as Uint32Array, places[lowest] as number) < 0)
      lowest = part
  }
  return lowest
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
