import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { clientTable } from '../connector/index/client-table.ts'
import { type ClientKey, type ContentKey, ENTRY_WORDS, keyText, writeEntry } from '../connector/index/index-entry.ts'
import type { SegmentReference } from '../connector/index/index-state.ts'
import { segmentLimits, tableObjects, writeSegment } from '../connector/index/segments.ts'
import { mallocVariables, nodeOptions } from '../connector/node-options.ts'
import { systemClock } from '../connector/runtime/clock.ts'
import { startS3 } from '../test/support/servers/s3-server.ts'
import { BENCH_KEY, benchStore, type StoredIndex } from './parts/bench-store.ts'
import { print } from './parts/rig.ts'

/**
 * Writes client indexes of different sizes to a real S3 server, and loads each in a process of its own, as an opening
 * does. `npm run bench:opening [-- CLIENTS...]`
 */

const SIZES = [10_000, 100_000, 1_000_000, 5_000_000, 20_000_000]
const stop = new AbortController().signal

function randomEntries(clients: number): Uint32Array {
  const words = new Uint32Array(clients * ENTRY_WORDS)
  const random = () => Math.floor(Math.random() * 2 ** 32)
  for (let client = 0; client < clients; client += 1) {
    const key = keyText(random(), random()) as ClientKey
    const content = keyText(random(), random()) as ContentKey
    writeEntry(words, client * ENTRY_WORDS, key, { content, eventNumber: client, scanNumber: 1, isDeadLetter: false })
  }
  return words
}

/** The segments of an index of as many clients. */
function writtenIndex(store: ReturnType<typeof benchStore>, clients: number): Promise<SegmentReference[]> {
  const table = clientTable(clients)
  table.setAll(randomEntries(clients))
  const parts = {
    store: store.segments(BENCH_KEY),
    table,
    epoch: 1,
    newNonce: () => randomUUID(),
    clock: systemClock,
    limits: segmentLimits,
  }
  const range = { tier: 'base', from: 0, to: clients, hasUnknown: false } as const
  return writeSegment(parts, { range, objects: tableObjects(parts, range, stop) }, stop)
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : SIZES
const loader = new URL('parts/load-index.ts', import.meta.url).pathname
const address = await startS3()
const store = benchStore(address)
try {
  for (const clients of sizes) {
    const stored: StoredIndex = { address, segments: await writtenIndex(store, clients) }
    const args = [...nodeOptions, loader, JSON.stringify(stored)]
    const env = { ...process.env, ...mallocVariables }
    print(JSON.parse((await promisify(execFile)(process.execPath, args, { env })).stdout))
  }
} finally {
  await store.close()
  await address.close()
}
