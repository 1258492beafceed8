import { hash } from 'node:crypto'
import type { Clock } from '../runtime/clock.ts'
import { MAX_SEGMENT_BYTES, type SegmentStore } from '../storage/checkpoint-store.ts'
import type { ClientTable } from './client-table.ts'
import { ENTRY_BYTES, ENTRY_WORDS, entryBytes } from './index-entry.ts'
import type { SegmentReference } from './index-state.ts'

export interface SegmentWriter {
  readonly store: SegmentStore
  readonly table: ClientTable
  readonly clock: Clock
  /** This replica has claimed the stream with this epoch. */
  readonly epoch: number
  readonly newNonce: () => string
  readonly limits: SegmentLimits
}

export type SegmentRange = Pick<SegmentReference, 'tier' | 'from' | 'to' | 'hasUnknown'>

/**
 * Stores each of these lists of entries as an object with a new name. Rejects with `storage.*`, or the reason of
 * `finish`.
 */
export async function writeSegment(
  { store, epoch, newNonce }: SegmentWriter,
  { range, objects }: { range: SegmentRange; objects: Iterable<Uint32Array> | AsyncIterable<Uint32Array> },
  finish: AbortSignal,
): Promise<SegmentReference[]> {
  const newSegments: SegmentReference[] = []
  for await (const words of objects) {
    const bytes = entryBytes(words)
    const name = `${epoch}-${newNonce()}`
    await store.put(name, bytes, finish)
    newSegments.push({ ...range, name, entries: words.length / ENTRY_WORDS, sha256: segmentHash(bytes) })
  }
  return newSegments
}

/** Yields entries in lists of at most the size of an object. */
export function* objectsOf(words: Uint32Array, { objectEntries }: SegmentLimits): Generator<Uint32Array, void> {
  const size = objectEntries * ENTRY_WORDS
  for (let at = 0; at < words.length; at += size) yield words.subarray(at, at + size)
}

/** Copying the table lets the event loop run each time after it has copied this many parts. */
const PARTS_AT_ONCE = 32

/**
 * Yields the entries of a range from the table, in lists of the size of an object. Entries that are set meanwhile may
 * be in them or not. Rejects with the reason of `stop`.
 */
export async function* tableObjects(
  { table, clock, limits }: SegmentWriter,
  range: SegmentRange,
  stop: AbortSignal,
): AsyncGenerator<Uint32Array, void> {
  const newObject = () => new Uint32Array(Math.min(limits.objectEntries, table.size()) * ENTRY_WORDS)
  let object = newObject()
  let usedWords = 0
  let parts = 0
  for (const words of table.entries(range)) {
    for (let takenWords = 0; takenWords < words.length; ) {
      const nextWords = words.subarray(takenWords, takenWords + object.length - usedWords)
      object.set(nextWords, usedWords)
      usedWords += nextWords.length
      takenWords += nextWords.length
      if (usedWords < object.length) continue
      yield object
      object = newObject()
      usedWords = 0
    }
    parts += 1
    if (parts % PARTS_AT_ONCE === 0) await clock.sleep(0, stop)
  }
  if (usedWords > 0) yield object.subarray(0, usedWords)
}

export function segmentHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64url')
}

/** These limits say when the stored index is written again. */
export interface SegmentLimits {
  /** A larger delta leaves the document. */
  readonly deltaEntries: number
  /** This many segments of a tier become one of the next. */
  readonly fanOut: number
  /** A segment of more entries has several objects. */
  readonly objectEntries: number
}

export const segmentLimits: SegmentLimits = {
  deltaEntries: Math.floor((32 * 1024) / ENTRY_BYTES),
  fanOut: 8,
  objectEntries: Math.floor(MAX_SEGMENT_BYTES / ENTRY_BYTES),
}

/** Segments that follow each other are written again as one. */
export interface Rewrite {
  readonly range: SegmentRange
  readonly replaces: readonly SegmentReference[]
}

/**
 * Returns which rewrite is due: of everything, if more than twice the table is stored, else of a full tier. So at most
 * 5 bytes are written for each byte that is added.
 */
export function dueRewrite(
  segments: readonly SegmentReference[],
  clients: number,
  fanOut: number,
): Rewrite | undefined {
  const storedEntries = segments.reduce((sum, { entries }) => sum + entries, 0)
  if (storedEntries > 2 * clients) return rewriteOf(segments, 'base')
  const tiers = new Set(segments.map(({ tier }) => tier).filter((tier) => tier !== 'base'))
  for (const tier of [...tiers].toSorted((one, other) => one - other)) {
    const segmentEnds = [...new Set(segments.filter((one) => one.tier === tier).map(({ to }) => to))]
    const last = segmentEnds[fanOut - 1]
    if (last !== undefined)
      return rewriteOf(
        segments.filter((one) => one.tier === tier && one.to <= last),
        tier + 1,
      )
  }
  return undefined
}

function rewriteOf(replaces: readonly SegmentReference[], tier: SegmentReference['tier']): Rewrite | undefined {
  const [first] = replaces
  const last = replaces.at(-1)
  if (first === undefined || last === undefined) return undefined
  // The base has every entry by its number, also those of unknown content.
  const hasUnknown = tier !== 'base' && replaces.some((one) => one.hasUnknown)
  return { replaces, range: { tier, from: first.from, to: last.to, hasUnknown } }
}

/** Returns the segments with `newSegments` in the place of those that it replaces. */
export function withReplacement(
  segments: readonly SegmentReference[],
  { replaces, newSegments }: { replaces: readonly SegmentReference[]; newSegments: readonly SegmentReference[] },
): SegmentReference[] {
  const names = new Set(replaces.map(({ name }) => name))
  const first = segments.findIndex(({ name }) => names.has(name))
  const newer = segments.slice(first).filter(({ name }) => !names.has(name))
  return [...segments.slice(0, first), ...newSegments, ...newer]
}
