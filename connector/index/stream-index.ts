import { linkedAbort } from '../runtime/abort.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { SegmentStore } from '../storage/checkpoint-store.ts'
import { type ClientTable, clientTable } from './client-table.ts'
import { entryWords } from './index-entry.ts'
import { encodedEntriesOf, type IndexState, type SegmentReference } from './index-state.ts'
import { type SegmentLimits, segmentHash, segmentLimits } from './segments.ts'

/**
 * Keeps the client index of one stream in the memory of this replica. Openings reuse it while this replica wrote the
 * stored checkpoint.
 */
export interface StreamIndex {
  readonly store: SegmentStore
  readonly limits: SegmentLimits
  /**
   * Resolves with the index of the `committed` state in the document with this nonce, and keeps it. Rejects as
   * `loadTable` does.
   */
  load(document: { readonly nonce: string; readonly index: IndexState }, stop: AbortSignal): Promise<ClientTable>
  /** Keeps a table that is the index of `committed` in the documents with these nonces. */
  keep(table: ClientTable, ...nonces: readonly string[]): void
  /** Must be called before the table changes, and when it is not used any more. */
  forget(): void
}

export function streamIndex(store: SegmentStore, limits: SegmentLimits = segmentLimits): StreamIndex {
  let keptTable: { readonly table: ClientTable; readonly nonces: readonly string[] } | undefined
  return {
    store,
    limits,
    load: async ({ nonce, index }, stop) => {
      if (keptTable?.nonces.includes(nonce)) return keptTable.table
      // Frees the memory before another table is read.
      keptTable = undefined
      const table = await loadTable(store, index, stop)
      keptTable = { table, nonces: [nonce] }
      return table
    },
    keep: (table, ...nonces) => {
      keptTable = { table, nonces }
    },
    forget: () => {
      keptTable = undefined
    },
  }
}

/** While one segment is awaited, as many after it are requested already. Each takes the memory of a segment. */
const AHEAD = 2

/**
 * Resolves with the table of a stored index. Rejects with `checkpoint.index-damaged` (also where a segment is missing),
 * `storage.*` or the reason of `stop`.
 */
export async function loadTable(
  store: SegmentStore,
  { segments, delta }: Pick<IndexState, 'segments' | 'delta'>,
  stop: AbortSignal,
): Promise<ClientTable> {
  using readAbort = linkedAbort(stop)
  const table = clientTable(segments.reduce((sum, { tier, entries }) => (tier === 'base' ? sum + entries : sum), 0))
  const requests: Promise<Uint32Array>[] = []
  try {
    for (let next = 0; next < segments.length + AHEAD; next += 1) {
      const segment = segments[next]
      if (segment !== undefined) {
        const words = readSegment(store, segment, readAbort.signal)
        // If an earlier segment fails first, nobody awaits this one.
        words.catch(() => {})
        requests.push(words)
      }
      if (next >= AHEAD) moveInto(table, (await requests.shift()) ?? new Uint32Array())
    }
  } finally {
    readAbort.abort()
  }
  table.setAll(encodedEntriesOf(delta))
  return table
}

/** Sets the entries of a segment and frees its memory now. V8 waits until about 64 MB of such memory are unused. */
function moveInto(table: ClientTable, words: Uint32Array) {
  table.setAll(words)
  const { buffer, byteLength } = words
  // Node keeps several small buffers in the same memory.
  const isAlone = buffer.byteLength === byteLength
  if (isAlone && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

async function readSegment(
  store: SegmentStore,
  { name, sha256 }: SegmentReference,
  stop: AbortSignal,
): Promise<Uint32Array> {
  const bytes = await store.get(name, stop)
  if (bytes === undefined)
    throw new ConnectorError('checkpoint.index-damaged', `load client index: segment ${name} does not exist`)
  if (segmentHash(bytes) === sha256) return entryWords(bytes)
  throw new ConnectorError(
    'checkpoint.index-damaged',
    `load client index: segment ${name} (${bytes.length} bytes) does not have the hash that the checkpoint names`,
  )
}
