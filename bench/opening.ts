import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { type ClientTable, clientTable } from '../connector/index/client-table.ts'
import { type ClientKey, type ContentKey, ENTRY_WORDS, keyText, writeEntry } from '../connector/index/index-entry.ts'
import type { SegmentReference } from '../connector/index/index-state.ts'
import { segmentBytes, sortedEntries } from '../connector/index/segment.ts'
import { writeBase, writeSegment } from '../connector/index/write-segment.ts'
import { systemClock } from '../connector/runtime/clock.ts'
import { startS3 } from '../test/support/servers/s3-server.ts'
import { BENCH_KEY, benchStore, type StoredIndex } from './parts/bench-store.ts'
import { NODE_FLAGS, print } from './parts/rig.ts'

/**
 * Writes client indexes of different sizes to a real S3 server, and loads each in a process of its own, as an opening
 * does. `npm run bench:opening [-- CLIENTS...]`
 */

const SIZES = [10_000, 100_000, 1_000_000, 5_000_000, 20_000_000]
/** The last clients are in spills, as in a stream that continues. */
const SPILLS = 8
const SPILL_CLIENTS = 1_365
const stop = new AbortController().signal

/** The first words of the keys are in order, as in a table, so that making it takes no time. */
function randomTable(clients: number): ClientTable {
  const words = randomEntries(clients)
  for (let client = 0; client < clients; client += 1)
    words[client * ENTRY_WORDS] = Math.floor((client / clients) * 2 ** 32)
  return clientTable(words)
}

function randomEntries(clients: number): Uint32Array {
  const words = new Uint32Array(clients * ENTRY_WORDS)
  const random = () => Math.floor(Math.random() * 2 ** 32)
  const rest = { scan: 1, isDeadLetter: false } as const
  for (let client = 0; client < clients; client += 1) {
    const key = keyText(random(), random()) as ClientKey
    const entry = { content: keyText(random(), random()) as ContentKey, number: client, ...rest }
    writeEntry(words, client * ENTRY_WORDS, key, entry)
  }
  return words
}

/** An index of as many clients and a few more, which are not yet in its base. */
async function writtenIndex(store: ReturnType<typeof benchStore>, clients: number): Promise<SegmentReference[]> {
  const writer = { store: store.segments(BENCH_KEY), epoch: 1, newNonce: () => randomUUID() }
  const write = (segment: Parameters<typeof writeSegment>[1]) => writeSegment(writer, segment, stop)
  const segments = await writeBase({ table: randomTable(clients), clock: systemClock, write }, stop)
  for (let spill = 0; spill < SPILLS; spill += 1)
    segments.push(await write({ tier: 0, bytes: segmentBytes(sortedEntries(randomEntries(SPILL_CLIENTS))) }))
  return segments
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : SIZES
const loader = new URL('parts/load-index.ts', import.meta.url).pathname
const address = await startS3()
const store = benchStore(address)
try {
  for (const clients of sizes) {
    const stored: StoredIndex = { address, segments: await writtenIndex(store, clients) }
    const args = [...NODE_FLAGS, loader, JSON.stringify(stored)]
    print(JSON.parse((await promisify(execFile)(process.execPath, args)).stdout))
  }
} finally {
  await store.close()
  await address.close()
}
