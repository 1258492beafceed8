import type { SegmentStore } from '../storage/segment-store.ts'
import type { ClientTable } from './client-table.ts'
import { type IndexMemory, indexMemory } from './index-memory.ts'
import type { IndexState } from './index-state.ts'
import { loadTable } from './load-table.ts'
import type { SegmentLimits } from './segment-plan.ts'

/**
 * The client index of one stream in the memory of this replica. Openings reuse it while the stored checkpoint is ours.
 */
export interface StreamIndex {
  readonly store: SegmentStore
  readonly limits: SegmentLimits | undefined
  /** When to compare the stored segments with the checkpoint next, by the monotonic clock. */
  auditAt: number
  /**
   * The index of the `committed` state in the document with this nonce; it is no longer kept. Rejects with
   * `checkpoint.index-missing`, `checkpoint.index-damaged`, `checkpoint.index-too-large`, `storage.*` or the reason of
   * `stop`.
   */
  load(document: { readonly nonce: string; readonly index: IndexState }, stop: AbortSignal): Promise<ClientTable>
  /** Records in which documents `table` is the index of `committed`; none: its next use reads the segments again. */
  keep(table: ClientTable, nonces: readonly string[]): void
  /** Throws `checkpoint.index-too-large` if the memory for all indexes does not suffice for this table. */
  mustFit(table: Pick<ClientTable, 'size'>): void
  /** Frees the memory; the index must not be used any more. */
  release(): void
}

interface StreamIndexOptions {
  readonly limits?: SegmentLimits | undefined
  /** Absent: unlimited. */
  readonly memory?: IndexMemory
}

export function streamIndex(
  store: SegmentStore,
  auditAt: number,
  { limits, memory = indexMemory(Number.POSITIVE_INFINITY) }: StreamIndexOptions = {},
): StreamIndex {
  let kept: { readonly table: ClientTable; readonly nonces: readonly string[] } | undefined
  const owner = {}
  const mustFit = (table: Pick<ClientTable, 'size'>) => memory.hold(owner, table.size())
  return {
    store,
    limits,
    auditAt,
    load: async ({ nonce, index }, stop) => {
      const table = kept?.nonces.includes(nonce) ? kept.table : undefined
      // Opening may change the table before its claim is written. Frees the memory before another one is read.
      kept = undefined
      if (table !== undefined) return table
      memory.release(owner)
      const loaded = await loadTable(store, index, stop)
      mustFit(loaded)
      return loaded
    },
    keep: (table, nonces) => {
      kept = { table, nonces }
    },
    mustFit,
    release: () => {
      kept = undefined
      memory.release(owner)
    },
  }
}
