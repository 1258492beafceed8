import { hash } from 'node:crypto'
import type { Clock } from '../runtime/clock.ts'
import { MAX_SEGMENT_BYTES, type SegmentStore } from '../storage/checkpoint-store.ts'
import type { ClientTable } from './client-table.ts'
import { ENTRY_BYTES, ENTRY_WORDS, entryBytes } from './index-entry.ts'
import type { SegmentReference } from './index-state.ts'

export interface SegmentWriter {
  readonly store: Pick<SegmentStore, 'put'>
  readonly table: Pick<ClientTable, 'entries'>
  readonly clock: Clock
  /** The claim epoch of this replica. */
  readonly epoch: number
  readonly newNonce: () => string
  readonly limits?: SegmentLimits | undefined
}

export type SegmentRange = Pick<SegmentReference, 'tier' | 'from' | 'to'>

/** Parts of the table that are copied before the event loop gets its turn. */
const PARTS_AT_ONCE = 32

/**
 * Stores the entries of a range from the table, under new names: in several objects if they are many. Entries set
 * meanwhile may be in it or not. Rejects with `storage.*`, or the reason of `finish`.
 */
export async function writeSegment(
  { store, table, clock, epoch, newNonce, limits = segmentLimits }: SegmentWriter,
  { tier, from, to }: SegmentRange,
  finish: AbortSignal,
): Promise<SegmentReference[]> {
  const made: SegmentReference[] = []
  let held: Buffer[] = []
  let entries = 0
  const flush = async () => {
    if (entries === 0) return
    const bytes = Buffer.concat(held)
    const name = `${epoch}-${newNonce()}`
    await store.put(name, bytes, finish)
    made.push({ name, tier, from, to, entries, sha256: segmentHash(bytes) })
    held = []
    entries = 0
  }
  let parts = 0
  for (const words of table.entries(from, to)) {
    const more = words.length / ENTRY_WORDS
    if (entries + more > limits.objectEntries) await flush()
    held.push(entryBytes(words))
    entries += more
    parts += 1
    // A document waits for tier 0.
    if (tier !== 0 && parts % PARTS_AT_ONCE === 0) await clock.sleep(0, finish)
  }
  await flush()
  return made
}

export function segmentHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64url')
}

/** When the stored index is written again. */
export interface SegmentLimits {
  /** A larger delta leaves the document. */
  readonly deltaEntries: number
  /** So many segments of a tier become one. */
  readonly fanOut: number
  /** A segment of more entries has several objects. */
  readonly objectEntries: number
}

export const segmentLimits: SegmentLimits = {
  deltaEntries: Math.floor((32 * 1024) / ENTRY_BYTES),
  fanOut: 8,
  objectEntries: Math.floor(MAX_SEGMENT_BYTES / ENTRY_BYTES),
}

/** Neighbours that are written again as one segment. */
export interface Rewrite extends Pick<SegmentReference, 'tier' | 'from' | 'to'> {
  readonly replaces: readonly SegmentReference[]
}

/** What is due: everything, if more than twice the table is stored, else a full tier. Writes at most 5 bytes for each one added. */
export function dueRewrite(
  segments: readonly SegmentReference[],
  clients: number,
  fanOut: number,
): Rewrite | undefined {
  const stored = segments.reduce((sum, { entries }) => sum + entries, 0)
  if (stored > 2 * clients) return rewriteOf(segments, 'base')
  const tiers = new Set(segments.map(({ tier }) => tier).filter((tier) => tier !== 'base'))
  for (const tier of [...tiers].toSorted((one, other) => one - other)) {
    const whole = [...new Set(segments.filter((one) => one.tier === tier).map(({ to }) => to))]
    const last = whole[fanOut - 1]
    if (last !== undefined)
      return rewriteOf(
        segments.filter((one) => one.tier === tier && one.to <= last),
        tier + 1,
      )
  }
  return undefined
}

function rewriteOf(replaces: readonly SegmentReference[], tier: SegmentReference['tier']): Rewrite | undefined {
  const [first, last] = [replaces[0], replaces.at(-1)]
  return first && last && { replaces, tier, from: first.from, to: last.to }
}

/** The segments with `made` in the place of those that it replaces. */
export function replaced(
  segments: readonly SegmentReference[],
  { replaces, made }: { replaces: readonly SegmentReference[]; made: readonly SegmentReference[] },
): SegmentReference[] {
  const names = new Set(replaces.map(({ name }) => name))
  const first = segments.findIndex(({ name }) => names.has(name))
  const newer = segments.slice(first).filter(({ name }) => !names.has(name))
  return [...segments.slice(0, first), ...made, ...newer]
}
