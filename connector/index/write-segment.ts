import type { Clock } from '../runtime/clock.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import type { ClientTable } from './client-table.ts'
import { ENTRY_WORDS } from './index-entry.ts'
import type { SegmentReference } from './index-state.ts'
import { entriesOf, SegmentMemory, segmentHash } from './segment.ts'
import { type SegmentLimits, segmentLimits } from './segment-plan.ts'

export interface NewSegment {
  readonly tier: SegmentReference['tier']
  readonly bytes: Buffer
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
  { tier, bytes }: NewSegment,
  finish: AbortSignal,
): Promise<SegmentReference> {
  const name = `${epoch}-${newNonce()}`
  await store.put(name, bytes, finish)
  return { name, tier, entries: entriesOf(bytes), sha256: segmentHash(bytes) }
}

interface BaseParts {
  readonly table: Pick<ClientTable, 'partitions' | 'size'>
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
  let memory: SegmentMemory | undefined
  let entries = 0
  let partitions = 0
  const flush = async () => {
    if (memory === undefined) return
    made.push(await write({ tier: 'base', bytes: memory.bytes() }))
    memory = undefined
  }
  for (const words of table.partitions()) {
    if (words.length > 0) {
      if (memory?.hasRoomFor(words) === false) await flush()
      const own = words.length / ENTRY_WORDS
      memory ??= new SegmentMemory(Math.max(own, Math.min(segmentEntries, table.size() - entries)))
      memory.append(words)
      entries += own
    }
    partitions += 1
    if (partitions % PARTITIONS_AT_ONCE === 0) await clock.sleep(0, finish)
  }
  await flush()
  return made
}
