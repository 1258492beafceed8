import type { Clock } from '../runtime/clock.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import type { ClientTable } from './client-table.ts'
import { ENTRY_WORDS } from './index-entry.ts'
import type { SegmentReference } from './index-state.ts'
import { joined, segmentBytes, segmentHash } from './load-table.ts'
import { type SegmentLimits, segmentLimits } from './segment-plan.ts'

export interface NewSegment {
  readonly tier: SegmentReference['tier']
  /** Entries in the order of their keys, each key once. */
  readonly words: Uint32Array
}

export interface SegmentWriter {
  readonly store: Pick<SegmentStore, 'put'>
  /** The claim epoch of the writer. */
  readonly epoch: number
  readonly newNonce: () => string
}

/** Stores a segment under a new name. Rejects with `storage.*`, or the reason of `finish`. */
export async function writeSegment(
  { store, epoch, newNonce }: SegmentWriter,
  { tier, words }: NewSegment,
  finish: AbortSignal,
): Promise<{ reference: SegmentReference; bytes: number }> {
  const name = `${epoch}-${newNonce()}`
  const bytes = segmentBytes(words)
  await store.put(name, bytes, finish)
  const entries = words.length / ENTRY_WORDS
  return { reference: { name, tier, entries, sha256: segmentHash(bytes) }, bytes: bytes.length }
}

interface BaseParts {
  readonly table: Pick<ClientTable, 'partitions'>
  readonly clock: Clock
  readonly write: (segment: NewSegment) => Promise<SegmentReference>
  readonly limits?: Pick<SegmentLimits, 'segmentEntries'> | undefined
}

/** Partitions copied before the event loop gets its turn. */
const PARTITIONS_AT_ONCE = 32

/** Writes the whole table as segments of the largest size. Rejects as `write` does, or with the reason of `finish`. */
export async function writeBase(
  { table, clock, write, limits }: BaseParts,
  finish: AbortSignal,
): Promise<SegmentReference[]> {
  const { segmentEntries } = limits ?? segmentLimits
  const made: SegmentReference[] = []
  let gathered: Uint32Array[] = []
  let entries = 0
  let partitions = 0
  const flush = async () => {
    if (entries > 0) made.push(await write({ tier: 'base', words: joined(gathered) }))
    gathered = []
    entries = 0
  }
  for (const words of table.partitions()) {
    if (entries + words.length / ENTRY_WORDS > segmentEntries) await flush()
    gathered.push(words)
    entries += words.length / ENTRY_WORDS
    partitions += 1
    if (partitions % PARTITIONS_AT_ONCE === 0) await clock.sleep(0, finish)
  }
  await flush()
  return made
}
