import { createRequire } from 'node:module'
import type { Message } from 'kafkajs'
import { crc32c } from './crc32c.ts'
import { encodedHeaders } from './encoded-headers.ts'
import { RequestWriter, sizeOfText, sizeOfVarint } from './request-writer.ts'

/** A produce request as kafkajs passes it to its encoder. */
export interface ProduceOrder {
  readonly acks: number
  readonly timeout: number
  readonly transactionalId?: string | null | undefined
  readonly producerId: { toString(): string }
  readonly producerEpoch: number
  readonly compression?: number | undefined
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly PartitionData[] }[]
}

interface PartitionData {
  readonly partition: number
  readonly firstSequence: number
  readonly messages: readonly Message[]
}

/** A request as kafkajs' connection sends it. */
interface Request {
  /** Encodes the body. */
  encode(): Promise<Encoded>
}

/** What kafkajs' encoders take from another one. */
interface Encoded {
  readonly buf: Buffer
  readonly buffer: Buffer
}

/**
 * Writes each produce request of this connector once, into a buffer of its size. The bytes are the same. The original
 * copies each record nine times, into zeroed buffers of up to twice the size: half of the total cost of publishing.
 */
export function produceRequest(original: (order: ProduceOrder) => Request): (order: ProduceOrder) => Request {
  return (order) => {
    const request = original(order)
    const records = ownRecords(order)
    return records === undefined ? request : { ...request, encode: () => encodeProduce(order, records) }
  }
}

interface OwnRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Buffer
}

/** The records of one partition. */
interface OwnRecords extends Pick<PartitionData, 'partition' | 'firstSequence'> {
  readonly topic: string
  /** Of every record. */
  readonly timestamp: bigint
  readonly records: readonly OwnRecord[]
}

/** Undefined if the connector sends no such request. */
function ownRecords({ topicData }: ProduceOrder): OwnRecords | undefined {
  const [{ topic, partitions } = { topic: '', partitions: [] }] = topicData
  const [only] = partitions
  const timestamp = only?.messages[0]?.timestamp
  if (topicData.length !== 1 || partitions.length !== 1 || only === undefined || timestamp === undefined)
    return undefined
  const records: OwnRecord[] = []
  for (const message of only.messages) {
    const record = message.timestamp === timestamp ? ownRecord(message) : undefined
    if (record === undefined) return undefined
    records.push(record)
  }
  const { partition, firstSequence } = only
  return { topic, partition, firstSequence, timestamp: BigInt(timestamp), records }
}

function ownRecord({ key = null, value, headers: given = noHeaders }: Message): OwnRecord | undefined {
  const headers = encodedHeaders(given)
  if (headers === undefined || !isBytes(key) || !isBytes(value)) return undefined
  return { key, value, headers }
}

const isBytes = (one: Message['key'] | Message['value']): one is Buffer | null => one === null || Buffer.isBuffer(one)
const noHeaders = {}

const NO_COMPRESSION = 0
const TRANSACTIONAL = 16
/** A record batch up to its records: from the first offset to their number. */
const BATCH_BYTES = 61
/** Of a batch, before what its length counts. */
const LENGTH_BYTES = 12
/** Of a request with one partition: all but its texts and its batch. */
const REQUEST_BYTES = 22

async function encodeProduce(order: ProduceOrder, own: OwnRecords): Promise<Encoded> {
  const { compression = NO_COMPRESSION, transactionalId = null } = order
  const compressed = compression === NO_COMPRESSION ? undefined : await compress(own.records, compression)
  const batchBytes = BATCH_BYTES + (compressed?.length ?? sizeOfRecords(own.records))
  const size = REQUEST_BYTES + sizeOfText(transactionalId) + sizeOfText(own.topic) + batchBytes
  const to = new RequestWriter(Buffer.allocUnsafeSlow(size)) // every byte is written
  to.text(transactionalId).int16(order.acks).int32(order.timeout)
  to.int32(1).text(own.topic).int32(1).int32(own.partition).int32(batchBytes)
  to.int64(0n)
    .int32(batchBytes - LENGTH_BYTES)
    .int32(0)
    .int8(2) // offset, length, leader epoch, format
  const crcAt = to.at
  to.int32(0)
    .int16(compression | (transactionalId === null ? 0 : TRANSACTIONAL))
    .int32(own.records.length - 1)
  to.int64(own.timestamp).int64(own.timestamp).int64(BigInt(order.producerId.toString())).int16(order.producerEpoch)
  to.int32(own.firstSequence).int32(own.records.length)
  if (compressed === undefined) writeRecords(to, own.records)
  else to.raw(compressed)
  to.buffer.writeUInt32BE(crc32c(to.buffer.subarray(crcAt + 4)), crcAt)
  return to
}

const load = createRequire(import.meta.url)

async function compress(records: readonly OwnRecord[], type: number): Promise<Buffer> {
  const { lookupCodec } = load('kafkajs/src/protocol/message/compression')
  const to = new RequestWriter(Buffer.allocUnsafeSlow(sizeOfRecords(records)))
  writeRecords(to, records)
  return await lookupCodec(type).compress(to)
}

function sizeOfRecords(records: readonly OwnRecord[]): number {
  let size = 0
  let delta = 0
  for (const record of records) {
    const body = sizeOfBody(record, delta)
    size += sizeOfVarint(body) + body
    delta += 1
  }
  return size
}

/** Attributes and the difference of timestamps take a byte each. */
function sizeOfBody({ key, value, headers }: OwnRecord, delta: number): number {
  return 2 + sizeOfVarint(delta) + sizeOfBytes(key) + sizeOfBytes(value) + headers.length
}

const sizeOfBytes = (bytes: Buffer | null) => (bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length)

function writeRecords(to: RequestWriter, records: readonly OwnRecord[]): void {
  let delta = 0
  for (const record of records) {
    const { key, value, headers } = record
    to.varint(sizeOfBody(record, delta)).int8(0).int8(0).varint(delta)
    to.bytes(key).bytes(value).raw(headers)
    delta += 1
  }
}
