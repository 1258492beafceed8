import type { SegmentStore } from '../storage/checkpoint-store.ts'
import type { ClientTable } from './client-table.ts'
import type { IndexState } from './index-state.ts'
import { loadTable } from './load-table.ts'
import type { SegmentLimits } from './segment-plan.ts'

/**
 * The client index of one stream in the memory of this replica. Openings reuse it while the stored checkpoint is ours.
 */
export interface StreamIndex {
  readonly store: SegmentStore
  readonly limits: SegmentLimits | undefined
  /** The index of the `committed` state in the document with this nonce; it is no longer kept. Rejects as `loadTable` does. */
  load(document: { readonly nonce: string; readonly index: IndexState }, stop: AbortSignal): Promise<ClientTable>
  /** The table is the index of `committed` in the documents with these nonces. */
  keep(table: ClientTable, ...nonces: readonly string[]): void
  /** The table is about to change, or is not used any more. */
  forget(): void
}

export function streamIndex(store: SegmentStore, limits?: SegmentLimits): StreamIndex {
  let kept: { readonly table: ClientTable; readonly nonces: readonly string[] } | undefined
  return {
    store,
    limits,
    load: async ({ nonce, index }, stop) => {
      const table = kept?.nonces.includes(nonce) ? kept.table : undefined
      // Opening may change the table before its claim is written. Frees the memory before another one is read.
      kept = undefined
      return table ?? (await loadTable(store, index, stop))
    },
    keep: (table, ...nonces) => {
      kept = { table, nonces }
    },
    forget: () => {
      kept = undefined
    },
  }
}
