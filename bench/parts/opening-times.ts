import { randomUUID } from 'node:crypto'
import { openCheckpointStore } from '../../connector/compose/shared-resources.ts'
import { type ClientTable, clientTable } from '../../connector/index/client-table.ts'
import { type ClientKey, type ContentKey, ENTRY_WORDS, keyText, writeEntry } from '../../connector/index/index-entry.ts'
import { loadTable, sortedEntries } from '../../connector/index/load-table.ts'
import { writeBase, writeSegment } from '../../connector/index/write-segment.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { checkpointStoreDefaults } from '../../connector/storage/checkpoint-store-config.ts'
import { type S3Address, startS3 } from '../../test/support/servers/s3-server.ts'

/** The client index in memory, and how long an opening takes to load it. */
export interface OpeningTime {
  readonly clients: number
  readonly loadMs: number
  readonly bytesPerClient: number
  readonly segments: number
}

const SIZES = [10_000, 100_000, 1_000_000, 5_000_000]
/** The last clients are in spills, as in a stream that continues. */
const SPILLS = 8
const SPILL_CLIENTS = 1_365

/** Writes indexes of different sizes to a real S3 server, and loads them. */
export async function* openingTimes(): AsyncGenerator<OpeningTime, void> {
  const server = await startS3()
  try {
    for (const clients of SIZES) yield await openingTime(server, clients)
  } finally {
    await server.close()
  }
}

async function openingTime({ bucket, endpoint, region, ...credentials }: S3Address, clients: number) {
  const { accessKeyId, secretAccessKey } = credentials
  const s3 = { ...checkpointStoreDefaults.s3, endpoint, region, credentials: { accessKeyId, secretAccessKey } }
  const config = { url: `s3://${bucket}/index-${clients}`, callWithinMs: 60_000, s3 }
  const checkpoints = openCheckpointStore(config, { clock: systemClock, onRetry: () => {} })
  const stop = new AbortController().signal
  try {
    const writer = { store: checkpoints.segments('bench/stream.json'), epoch: 1, newNonce: () => randomUUID() }
    const write = async (segment: Parameters<typeof writeSegment>[1]) =>
      (await writeSegment(writer, segment, stop)).reference
    const segments = await writeBase({ table: randomTable(clients), clock: systemClock, write }, stop)
    for (let spill = 0; spill < SPILLS; spill += 1)
      segments.push(await write({ tier: 'spill', words: sortedEntries(randomEntries(SPILL_CLIENTS)) }))
    const began = performance.now()
    const table = await loadTable(writer.store, { segments, delta: '' }, stop)
    const loadMs = performance.now() - began
    return { clients: table.size(), loadMs, bytesPerClient: table.bytes() / table.size(), segments: segments.length }
  } finally {
    await checkpoints.close()
  }
}

function randomTable(clients: number): ClientTable {
  const table = clientTable()
  table.setAll(randomEntries(clients))
  return table
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
