import { promisify } from 'node:util'
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib'
import { type ClientEventParts, dataSchema, eventSource } from '../../connector/event/client-event.ts'
import { clientEvent, type EventForm } from '../../connector/event/cloud-event/event-form.ts'
import { startPolarisSimulator } from '../../test/polaris/polaris-simulator.ts'
import { cpuSecondsOf } from './process-usage.ts'

/** What a codec makes of the events of a page that go to one partition, and what that costs. */
export interface CompressionCost {
  readonly codec: 'none' | 'gzip' | 'zstd'
  readonly eventsPerBatch: number
  readonly bytesPerEvent: number
  /** Microseconds of CPU per event. */
  readonly compressing: number
  readonly decompressing: number
}

const codecs = {
  none: [async (bytes: Buffer) => bytes, async (bytes: Buffer) => bytes],
  gzip: [promisify(gzip), promisify(gunzip)],
  zstd: [promisify(zstdCompress), promisify(zstdDecompress)],
} as const
/** Pages of 100 and 1,000 clients in a topic with six partitions. */
const BATCHES = [17, 167]
const EVENTS = 20_000

export async function* compressionCosts(): AsyncGenerator<CompressionCost, void> {
  const events = await someEvents()
  for (const eventsPerBatch of BATCHES) {
    const batches = Array.from({ length: Math.floor(EVENTS / eventsPerBatch) }, (_, at) =>
      Buffer.from(events.slice(at * eventsPerBatch, (at + 1) * eventsPerBatch).join('')),
    )
    const count = batches.length * eventsPerBatch
    for (const codec of ['none', 'gzip', 'zstd'] as const) {
      const [compress, decompress] = codecs[codec]
      const before = cpuSecondsOf('self')
      const compressed: Buffer[] = []
      for (const batch of batches) compressed.push(await compress(batch))
      const between = cpuSecondsOf('self')
      for (const bytes of compressed) await decompress(bytes)
      const after = cpuSecondsOf('self')
      const bytesPerEvent = compressed.reduce((sum, { length }) => sum + length, 0) / count
      const micros = (seconds: number) => (seconds / count) * 1e6
      const costs = { compressing: micros(between - before), decompressing: micros(after - between) }
      yield { codec, eventsPerBatch, bytesPerEvent, ...costs }
    }
  }
}

const form: EventForm = {
  mode: 'structured',
  source: eventSource('shop', 'clients'),
  dataSchema: dataSchema(undefined),
  extensions: {},
}

function eventOf(client: Pick<ClientEventParts, 'clientId' | 'json' | 'sequence'>): string {
  const { sequence } = client
  const { record } = clientEvent(
    { ...client, contentHash: `${sequence}`, previous: '', timeMs: Date.now() + sequence },
    form,
  )
  return record.value
}

async function someEvents(): Promise<string[]> {
  const simulator = await startPolarisSimulator({ clients: EVENTS })
  try {
    return simulator.clientIds.map((clientId, sequence) =>
      eventOf({ clientId, json: JSON.stringify(simulator.fieldsOf(clientId)), sequence }),
    )
  } finally {
    await simulator.close()
  }
}
