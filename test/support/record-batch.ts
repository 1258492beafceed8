import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { bytesReader } from './servers/kafka-bytes.ts'

/** A record batch as stored in the log (message format 2). */
export interface RecordBatch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly isTransactional: boolean
  /** Set if the batch is a transaction marker. */
  readonly marker: 'commit' | 'abort' | undefined
  readonly records: readonly LogRecord[]
}

export interface LogRecord {
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly headers: ReadonlyMap<string, string>
}

const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const COMPRESSION = 0x07
/** By their numbers: those with which the connector compresses. */
const unpack: Readonly<Record<number, (bytes: Buffer) => Buffer>> = {
  0: (bytes) => bytes,
  1: gunzipSync,
  4: zstdDecompressSync,
}
/** Bytes of the first offset and the length field. */
const HEADER_BEFORE_LENGTH = 12

/** Parses the complete batches. Brokers truncate responses anywhere, so a partial batch at the end is ignored. */
export function recordBatches(bytes: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let at = 0; at + HEADER_BEFORE_LENGTH <= bytes.length; ) {
    const end = at + HEADER_BEFORE_LENGTH + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    batches.push(recordBatch(bytes.subarray(at, end)))
    at = end
  }
  return batches
}

function recordBatch(bytes: Buffer): RecordBatch {
  const read = bytesReader(bytes)
  const firstOffset = read.int64()
  read.skip(4 + 4) // length, partition leader epoch
  const format = read.int8()
  read.skip(4) // checksum
  const attributes = read.int16()
  const unpacked = unpack[attributes & COMPRESSION]
  if (format !== 2 || unpacked === undefined)
    throw new Error(`unsupported batch: format ${format}, attributes ${attributes}`)
  const lastOffset = firstOffset + BigInt(read.int32())
  const firstTimestamp = Number(read.int64())
  read.skip(8) // max timestamp
  const producerId = read.int64()
  const producerEpoch = read.int16()
  read.skip(4) // base sequence
  const count = read.int32()
  const inside = bytesReader(unpacked(read.rest()))
  const records = Array.from({ length: count }, () => logRecord(inside, { firstOffset, firstTimestamp }))
  const type = (attributes & CONTROL) === 0 ? undefined : records[0]?.key?.readInt16BE(2)
  const marker = type === undefined ? undefined : type === 1 ? 'commit' : 'abort'
  const isTransactional = (attributes & TRANSACTIONAL) !== 0
  return { firstOffset, lastOffset, producerId, producerEpoch, isTransactional, marker, records }
}

interface First {
  readonly firstOffset: bigint
  readonly firstTimestamp: number
}

function logRecord(read: ReturnType<typeof bytesReader>, { firstOffset, firstTimestamp }: First): LogRecord {
  read.varint() // length
  read.skip(1)
  const timestamp = firstTimestamp + read.varint()
  const offset = firstOffset + BigInt(read.varint())
  const key = read.shortBytes()
  const value = read.shortBytes()
  const headers = new Map<string, string>()
  for (let left = read.varint(); left > 0; left -= 1) {
    const name = read.shortBytes()
    const text = read.shortBytes()
    headers.set(`${name}`, `${text}`)
  }
  return { offset, timestamp, key, value, headers }
}
