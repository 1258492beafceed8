import { createErrorFromCode, Decoder, load, type RequestTarget } from './requests.ts'

export interface FetchedRecord {
  readonly offset: string
  /** The time of the record in ms since 1970. */
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, unknown>>
  /** Whether this is a transaction marker; its key holds the type. */
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}

export interface FetchedRecords {
  /** kafkajs sends no request to this broker for so many milliseconds. */
  readonly clientSideThrottleTime: number
  readonly records: readonly FetchedRecord[]
  /**
   * The next fetch begins here: after the last complete batch, which compaction may have emptied, or at the high
   * watermark if there is nothing before it. It is undefined if the response proves nothing.
   */
  readonly next: bigint | undefined
}

const fetchRequest = load('kafkajs/src/protocol/requests/fetch/v11/request')
const decodeBatch: (batch: Decoder) => Promise<{ records: FetchedRecord[] }> = load(
  'kafkajs/src/protocol/recordBatch/v0/decoder',
)

/** A response has at most so many bytes; a single batch that is larger arrives whole. */
const MAX_BYTES = 1 << 20

/**
 * Fetches stored records of one partition, whatever the outcome of their transactions. kafkajs' own request hides the
 * throttle time, and batches without records. Rejects with kafkajs' errors.
 */
export function fetchRecords(
  leader: RequestTarget,
  { topic, partition, offset }: { topic: string; partition: number; offset: bigint },
): Promise<FetchedRecords> {
  const partitions = [{ partition, fetchOffset: String(offset), maxBytes: MAX_BYTES }]
  return leader.connectionPool.send<FetchedRecords>({
    request: fetchRequest({
      replicaId: -1,
      isolationLevel: 0,
      maxWaitTime: 0,
      minBytes: 1,
      maxBytes: MAX_BYTES,
      topics: [{ topic, partitions }],
    }),
    response: { decode: decodeFetchResponse, parse: async (fetched) => fetched },
  })
}

/** Decodes the response to a fetch of one partition. It is exported for its test. */
export async function decodeFetchResponse(response: Buffer): Promise<FetchedRecords> {
  const from = new Decoder(response)
  const clientSideThrottleTime = from.readInt32()
  mustSucceed(from.readInt16())
  from.readInt32() // session id
  const [found] = from.readArray(readTopic).flat()
  if (found === undefined) return { clientSideThrottleTime, records: [], next: undefined }
  mustSucceed(found.code)
  if (found.bytes.length > 0) return { clientSideThrottleTime, ...(await decodeBatches(found.bytes)) }
  // A throttled response has no records, whatever the partition has (KIP-219).
  return { clientSideThrottleTime, records: [], next: clientSideThrottleTime === 0 ? found.highWatermark : undefined }
}

function mustSucceed(code: number) {
  if (code !== 0) throw createErrorFromCode(code)
}

function readTopic(from: Decoder) {
  from.readString() // topic name
  return from.readArray(readPartition)
}

function readPartition(from: Decoder) {
  from.readInt32() // partition
  const code = from.readInt16()
  const highWatermark = BigInt(from.readInt64().toString())
  for (const _offset of ['last stable', 'log start']) from.readInt64()
  from.readArray((aborted) => [aborted.readInt64(), aborted.readInt64()])
  from.readInt32() // preferred read replica
  return { code, highWatermark, bytes: from.readBytes() ?? Buffer.alloc(0) }
}

/** A batch begins with its first offset (int64) and its length after these 12 bytes (int32). */
const BATCH_START = 12
const LAST_OFFSET_DELTA = 23
const MIN_BATCH = 61

/** Decodes the batches of a response, the last of which may be incomplete. */
async function decodeBatches(bytes: Buffer): Promise<Pick<FetchedRecords, 'records' | 'next'>> {
  const records: FetchedRecord[] = []
  let next: bigint | undefined
  for (let at = 0; at + MIN_BATCH <= bytes.length; ) {
    const end = at + BATCH_START + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    const batch = await decodeBatch(new Decoder(bytes.subarray(at, end)))
    for (const record of batch.records) records.push(record)
    next = bytes.readBigInt64BE(at) + BigInt(bytes.readInt32BE(at + LAST_OFFSET_DELTA)) + 1n
    at = end
  }
  return { records, next }
}
