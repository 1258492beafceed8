import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openCheckpointStore } from '../../connector/compose/shared-resources.ts'
import { type ClientTable, clientTable } from '../../connector/index/client-table.ts'
import { type ClientKey, type ContentKey, ENTRY_WORDS, keyText, writeEntry } from '../../connector/index/index-entry.ts'
import type { SegmentReference } from '../../connector/index/index-state.ts'
import { segmentBytes, sortedEntries } from '../../connector/index/segment.ts'
import { writeBase, writeSegment } from '../../connector/index/write-segment.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { checkpointStoreDefaults } from '../../connector/storage/checkpoint-store-config.ts'
import type { SegmentStore } from '../../connector/storage/segment-store.ts'
import { type S3Address, startS3 } from '../../test/support/servers/s3-server.ts'

/** What a process of its own needs to load a client index; megabytes are 10^6 bytes. */
export interface OpeningTime {
  readonly clients: number
  readonly loadMs: number
  readonly segments: number
  readonly tableMegabytes: number
  /** Resident before anything is loaded, after one small request, and at most while the index is loaded. */
  readonly startMegabytes: number
  readonly peakMegabytes: number
}

export interface StoredIndex {
  readonly address: S3Address
  readonly segments: readonly SegmentReference[]
}

const SIZES = [10_000, 100_000, 1_000_000, 5_000_000, 20_000_000]
/** The last clients are in spills, as in a stream that continues. */
const SPILLS = 8
const SPILL_CLIENTS = 1_365
const stop = new AbortController().signal

/** Writes indexes of different sizes to a real S3 server, and loads each in a process of its own. */
export async function* openingTimes(sizes = SIZES): AsyncGenerator<OpeningTime, void> {
  const address = await startS3()
  const loader = fileURLToPath(new URL('load-index.ts', import.meta.url))
  try {
    for (const clients of sizes) {
      const stored: StoredIndex = { address, segments: await indexIn(address, clients) }
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--max-semi-space-size=16',
        '--heap-growing-percent=60',
        '--no-parallel-scavenge',
        loader,
        JSON.stringify(stored),
      ])
      yield JSON.parse(stdout)
    }
  } finally {
    await address.close()
  }
}

/** Where both processes find the index. */
export const benchStore = (address: S3Address) => storeIn(address, 'index')
export const BENCH_KEY = 'bench/stream.json'

export function storeIn({ bucket, endpoint, region, accessKeyId, secretAccessKey }: S3Address, folder: string) {
  const s3 = { ...checkpointStoreDefaults.s3, endpoint, region, credentials: { accessKeyId, secretAccessKey } }
  const config = { url: `s3://${bucket}/${folder}`, callWithinMs: 60_000, s3 }
  return openCheckpointStore(config, { clock: systemClock, onRetry: () => {} })
}

async function indexIn(address: S3Address, clients: number): Promise<SegmentReference[]> {
  const checkpoints = benchStore(address)
  try {
    return await writtenIndex(checkpoints.segments(BENCH_KEY), clients)
  } finally {
    await checkpoints.close()
  }
}

/** An index of as many clients and a few more, which are not yet in its base. */
export async function writtenIndex(store: SegmentStore, clients: number): Promise<SegmentReference[]> {
  const writer = { store, epoch: 1, newNonce: () => randomUUID() }
  const write = (segment: Parameters<typeof writeSegment>[1]) => writeSegment(writer, segment, stop)
  const segments = await writeBase({ table: randomTable(clients), clock: systemClock, write }, stop)
  for (let spill = 0; spill < SPILLS; spill += 1)
    segments.push(await write({ tier: 0, bytes: segmentBytes(sortedEntries(randomEntries(SPILL_CLIENTS))) }))
  return segments
}

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
  for (let client = 0; client < clients; client += 1) {
    const key = keyText(random(), random()) as ClientKey
    const entry = {
      content: keyText(random(), random()) as ContentKey,
      number: client,
      tag: 0,
      isDeadLetter: false,
      mark: 'none' as const,
      rules: 0,
    }
    writeEntry(words, client * ENTRY_WORDS, key, entry)
  }
  return words
}
