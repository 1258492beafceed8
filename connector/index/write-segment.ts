import { hash } from 'node:crypto'
import type { Clock } from '../runtime/clock.ts'
import type { SegmentStore } from '../storage/checkpoint-store.ts'
import type { ClientTable } from './client-table.ts'
import { ENTRY_WORDS, entryBytes } from './index-entry.ts'
import type { SegmentReference } from './index-state.ts'
import { type SegmentLimits, segmentLimits } from './segment-plan.ts'

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
