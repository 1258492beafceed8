import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { SegmentStore } from '../storage/segment-store.ts'
import { type ClientTable, clientTable } from './client-table.ts'
import { deltaWords, type IndexState, type SegmentReference } from './index-state.ts'
import { joined, segmentEntries } from './segment.ts'

/**
 * The entries of a stored segment. Rejects with `checkpoint.index-missing`, `checkpoint.index-damaged`, `storage.*` or
 * the reason of `stop`.
 */
export async function readSegment(
  store: Pick<SegmentStore, 'get'>,
  { name, sha256 }: SegmentReference,
  stop: AbortSignal,
): Promise<Uint32Array> {
  const bytes = await store.get(name, stop)
  if (bytes === undefined)
    throw new ConnectorError('checkpoint.index-missing', `load client index: segment ${name} does not exist`)
  const words = segmentEntries(bytes, sha256)
  if (words !== undefined) return words
  throw new ConnectorError(
    'checkpoint.index-damaged',
    `load client index: segment ${name} (${bytes.length} bytes) does not have the hash that the checkpoint names`,
  )
}

/** Whether a segment is missing or damaged. */
export const isDamage = (error: unknown): boolean =>
  codeOf(error) === 'checkpoint.index-missing' || codeOf(error) === 'checkpoint.index-damaged'

/** Requests at the same time. */
const PARALLEL = 16

/** The table of a stored index. Rejects as reading segments does. */
export async function loadTable(
  store: Pick<SegmentStore, 'get'>,
  { segments, delta }: Pick<IndexState, 'segments' | 'delta'>,
  stop: AbortSignal,
): Promise<ClientTable> {
  const read: Uint32Array[] = []
  const queue = [...segments.entries()]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, reference] = next
      read[index] = await readSegment(store, reference, stop)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  const bases = segments.filter(({ tier }) => tier === 'base').length
  const table = clientTable(joined(read.slice(0, bases)))
  for (const words of read.slice(bases)) table.setAll(words)
  table.setAll(deltaWords(delta))
  return table
}
