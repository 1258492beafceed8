import { linkedAbort } from '../runtime/abort.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import { type ClientTable, clientTable } from './client-table.ts'
import { deltaWords, type IndexState, type SegmentReference } from './index-state.ts'
import { MAX_SEGMENT_ENTRIES, segmentEntries } from './segment.ts'

/**
 * The entries of a stored segment. Rejects with `checkpoint.index-damaged`, `storage.*` or
 * the reason of `stop`.
 */
export async function readSegment(
  store: Pick<SegmentStore, 'get'>,
  { name, sha256 }: SegmentReference,
  stop: AbortSignal,
): Promise<Uint32Array> {
  const bytes = await store.get(name, stop)
  if (bytes === undefined)
    throw new ConnectorError('checkpoint.index-damaged', `load client index: segment ${name} does not exist`)
  const words = segmentEntries(bytes, sha256)
  if (words !== undefined) return words
  throw new ConnectorError(
    'checkpoint.index-damaged',
    `load client index: segment ${name} (${bytes.length} bytes) does not have the hash that the checkpoint names`,
  )
}

/** The first answer may be wrong, not the segment. */
export function readTwice(store: SegmentStore, segment: SegmentReference, stop: AbortSignal): Promise<Uint32Array> {
  return readSegment(store, segment, stop).catch((error: unknown) => {
    if (isDamage(error)) return readSegment(store, segment, stop)
    throw error
  })
}

/** Whether a segment is missing or damaged. */
export const isDamage = (error: unknown): boolean => codeOf(error) === 'checkpoint.index-damaged'

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
