import { randomInt, randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { clientTable } from '../../connector/index/client-table.ts'
import { ENTRY_WORDS } from '../../connector/index/index-entry.ts'
import { deltaText, emptyIndex, type IndexState, withEntries } from '../../connector/index/index-state.ts'
import { indexStorage } from '../../connector/index/index-storage.ts'
import { writeBase, writeSegment } from '../../connector/index/write-segment.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { memorySegmentStore } from '../../test/support/fakes/memory-segment-store.ts'

/** What a client index writes while as many clients change as it has, so many with each document. Bytes. */
export interface IndexWrites {
  readonly clients: number
  readonly changesPerDocument: number
  /** The part of the document that is for the index. */
  readonly meanDocument: number
  readonly largestDocument: number
  readonly mostSegments: number
  /** Of segments, for each byte that is added. */
  readonly bytesPerByte: number
  /** Requests for segments, for each document. */
  readonly putsPerDocument: number
}

const CASES = [
  [1_000_000, 5],
  [1_000_000, 500],
  [20_000_000, 2_000],
] as const
const ENTRY_BYTES = 4 * ENTRY_WORDS
const stop = new AbortController().signal

export async function* indexWrites(): AsyncGenerator<IndexWrites, void> {
  for (const [clients, changesPerDocument] of CASES) yield await writesOf(clients, changesPerDocument)
}

async function writesOf(clients: number, changesPerDocument: number): Promise<IndexWrites> {
  let puts = 0
  const store = memorySegmentStore(({ kind }) => {
    if (kind === 'put') puts += 1
    return 'none'
  })
  const sorted = sortedClients(clients)
  const table = clientTable(sorted)
  const parts = { store, table, clock: systemClock, epoch: 1, newNonce: () => randomUUID(), observe: () => {} }
  const write = (segment: Parameters<typeof writeSegment>[1]) => writeSegment(parts, segment, stop)
  let state: IndexState = { ...emptyIndex, segments: await writeBase({ ...parts, write }, stop) }
  const storage = indexStorage(state, parts)
  const before = store.written()
  puts = 0
  let [documents, bytes, largestDocument, mostSegments] = [0, 0, 0, 0]
  for (let changes = 0; changes < clients; changes += changesPerDocument) {
    const entries = someOf(sorted, changesPerDocument)
    state = await storage.represent(state, stop)
    const document = JSON.stringify(state.segments).length + state.delta.length + deltaText(entries).length
    storage.written(state)
    table.setAll(entries)
    state = withEntries(state, deltaText(entries))
    documents += 1
    bytes += document
    largestDocument = Math.max(largestDocument, document)
    mostSegments = Math.max(mostSegments, state.segments.length)
    await nextTurn()
  }
  await storage.close()
  const bytesPerByte = (store.written() - before) / (documents * changesPerDocument * ENTRY_BYTES)
  return {
    clients,
    changesPerDocument,
    meanDocument: bytes / documents,
    largestDocument,
    mostSegments,
    bytesPerByte,
    putsPerDocument: puts / documents,
  }
}

function sortedClients(clients: number): Uint32Array {
  const words = new Uint32Array(clients * ENTRY_WORDS)
  for (let client = 0; client < clients; client += 1) {
    words[client * ENTRY_WORDS] = Math.floor((client / clients) * 2 ** 32)
    words[client * ENTRY_WORDS + 1] = client
  }
  return words
}

function someOf(sorted: Uint32Array, count: number): Uint32Array {
  const words = new Uint32Array(count * ENTRY_WORDS)
  for (let at = 0; at < count; at += 1) {
    const from = randomInt(sorted.length / ENTRY_WORDS) * ENTRY_WORDS
    words.set(sorted.subarray(from, from + ENTRY_WORDS), at * ENTRY_WORDS)
  }
  return words
}
