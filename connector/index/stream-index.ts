import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import type { ClientTable } from './client-table.ts'
import { ENTRY_BYTES } from './index-entry.ts'
import type { IndexState } from './index-state.ts'
import { type LoadingTable, loadingTable, loadTable } from './load-table.ts'
import type { SegmentLimits } from './segment-plan.ts'

/**
 * The client index of one stream in the memory of this replica. Openings reuse it while the stored checkpoint is ours.
 */
export interface StreamIndex {
  readonly store: SegmentStore
  readonly limits: SegmentLimits | undefined
  /** Whether the stored segments are to be compared with the checkpoint: true once a day. `now`: of the monotonic clock. */
  isAuditDue(now: number): boolean
  /**
   * The index of the `committed` state in the document with this nonce; it is no longer kept. Rejects with
   * `checkpoint.index-damaged`, `checkpoint.index-damaged`, `checkpoint.index-too-large` (before anything is read, if its
   * size alone is too large), `storage.*` or the reason of `stop`; after `storage.*`, what has arrived stays for the next
   * try. `onSegment`: as for `loadTable`.
   */
  load(
    document: { readonly nonce: string; readonly index: IndexState },
    stop: AbortSignal,
    onSegment?: (entries: number, of: number) => void,
  ): Promise<ClientTable>
  /** The table is the index of `committed` in the documents with these nonces. */
  keep(table: ClientTable, ...nonces: readonly string[]): void
  /** The table is about to change: it is not the index of any document. */
  forget(): void
  /** Throws `checkpoint.index-too-large` if the memory for all indexes does not suffice for this table. */
  mustFit(table: Pick<ClientTable, 'size'>): void
  /** Frees the memory; the index must not be used any more. */
  release(): void
}

const AUDIT_PERIOD_MS = 86_400_000

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
  let loading: LoadingTable | undefined
  const owner = {}
  const mustFit = (table: Pick<ClientTable, 'size'>) => memory.hold(owner, table.size())
  return {
    store,
    limits,
    isAuditDue: (now) => {
      if (now < auditAt) return false
      auditAt = now + AUDIT_PERIOD_MS
      return true
    },
    load: async ({ nonce, index }, stop, onSegment) => {
      const table = kept?.nonces.includes(nonce) ? kept.table : undefined
      // Opening may change the table before its claim is written. Frees the memory before another one is read.
      kept = undefined
      if (table !== undefined) return table
      const begun = loadingTable(index, loading)
      loading = undefined
      memory.release(owner)
      memory.hold(owner, leastClients(index))
      const progress = (entries: number, of: number) => {
        mustFit(begun.table)
        onSegment?.(entries, of)
      }
      try {
        const loaded = await loadTable(store, index, stop, { loading: begun, onSegment: progress })
        mustFit(loaded)
        return loaded
      } catch (error) {
        if (codeOf(error) === 'storage.unavailable') loading = begun
        throw error
      }
    },
    keep: (table, ...nonces) => {
      kept = { table, nonces }
    },
    forget: () => {
      kept = undefined
    },
    mustFit,
    release: () => {
      kept = undefined
      loading = undefined
      memory.release(owner)
    },
  }
}

/** The clients of the whole index when it was written last. */
const leastClients = ({ segments }: IndexState): number =>
  segments.reduce((sum, { tier, entries }) => (tier === 'base' ? sum + entries : sum), 0)

/** Counts the clients in all client indexes of this process against one limit. */
export interface IndexMemory {
  /**
   * Records the number of clients in an index. Throws `checkpoint.index-too-large` if all together exceed the limit, and
   * then keeps the number recorded before.
   */
  hold(index: object, clients: number): void
  release(index: object): void
}

const MIB = 1024 ** 2
/** The container less what the program needs besides; at least what that of the chart leaves. Pure. */
export function maxIndexBytes(containerBytes: number, machineBytes: number): number {
  // Without a limit, Node returns 0 or more than there is.
  const available = containerBytes > 0 ? Math.min(containerBytes, machineBytes) : machineBytes
  return Math.max(128 * MIB, available - 256 * MIB)
}

export function indexMemory(maxBytes: number): IndexMemory {
  const held = new Map<object, number>()
  return {
    hold: (index, clients) => {
      let bytes = clients * ENTRY_BYTES
      for (const [other, ofOther] of held) if (other !== index) bytes += ofOther * ENTRY_BYTES
      if (bytes > maxBytes)
        throw new ConnectorError(
          'checkpoint.index-too-large',
          `hold client index: ${clients} clients; all indexes of this replica need ${inMiB(bytes)}, and its memory leaves ${inMiB(maxBytes)}`,
        )
      held.set(index, clients)
    },
    release: (index) => void held.delete(index),
  }
}

const inMiB = (bytes: number) => `${Math.ceil(bytes / MIB)} MiB`
