import type { Message } from 'kafkajs'
import type { OwnRecord } from '../cluster.ts'
import { crc32c } from './crc32c.ts'
import { RequestWriter, sizeOfText, sizeOfVarint } from './request-writer.ts'
import { load } from './requests.ts'

/** A produce request as kafkajs passes it to its encoder. */
export interface ProduceOrder {
  readonly acks: number
  readonly timeout: number
  /** The connector sends records only in transactions. */
  readonly transactionalId: string
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
  encode(): Promise<EncoderContent>
}

/** The content that kafkajs' encoders take from another one. */
export interface EncoderContent {
  readonly buf: Buffer
  readonly buffer: Buffer
}

const recordsOfMessages = new WeakMap<readonly Message[], readonly OwnRecord[]>()

/**
 * Records of one partition with the same timestamp, to pass to kafkajs, which sends no others in the same request. It
 * groups the messages of a call by `reduce`, and copies the list for each message; this list returns the groups at
 * once.
 */
export function ownMessages(records: readonly OwnRecord[], partition: number): Message[] {
  const messages: Message[] = records.map((record) => record)
  recordsOfMessages.set(messages, records)
  return Object.assign(messages, { reduce: () => ({ [partition]: messages }) })
}

/**
 * Writes each produce request of this connector once, into a buffer of its size. The bytes are the same. The original
 * copies each record nine times, into zeroed buffers of up to twice the size: half of the total cost of publishing.
 */
export function produceRequest(original: (order: ProduceOrder) => Request): (order: ProduceOrder) => Request {
  return (order) => {
    const request = original(order)
    const [
      {
        topic,
        partitions: [only],
      } = { topic: '', partitions: [] },
    ] = order.topicData
    const records = only === undefined ? undefined : recordsOfMessages.get(only.messages)
    if (only === undefined || records === undefined) return request
    return { ...request, encode: () => encodeProduce(order, { ...only, topic, records }) }
  }
}

const NO_COMPRESSION = 0
const LEADER_EPOCH = 0
const FORMAT = 2
const TRANSACTIONAL = 16
/** A record batch up to its records: from the first offset to their number. */
const BATCH_BYTES = 61
/** So many bytes of a batch stand before those that its length counts. */
const LENGTH_BYTES = 12
/** A request with one partition has so many bytes besides its texts and its batch. */
const REQUEST_BYTES = 22
/**
 * kafkajs writes the headers of a request into this room. They contain the client id; a longer one costs two copies.
 */
const HEADER_ROOM = 512

interface OwnPartition extends Pick<PartitionData, 'partition' | 'firstSequence'> {
  readonly topic: string
  readonly records: readonly OwnRecord[]
}

async function encodeProduce(order: ProduceOrder, own: OwnPartition): Promise<EncoderContent> {
  const { compression = NO_COMPRESSION, transactionalId } = order
  const timestamp = BigInt(own.records[0]?.timestamp ?? 0)
  const records = own.records.map((record) => ({ ...record, headers: encodedHeaders(record.headers) }))
  const compressed = compression === NO_COMPRESSION ? undefined : await compress(records, compression)
  const batchBytes = BATCH_BYTES + (compressed?.length ?? sizeOfRecords(records))
  const size = REQUEST_BYTES + sizeOfText(transactionalId) + sizeOfText(own.topic) + batchBytes
  const memory = Buffer.allocUnsafeSlow(HEADER_ROOM + size) // every byte that is sent is written
  const to = new RequestWriter(memory.subarray(HEADER_ROOM), HEADER_ROOM)
  to.text(transactionalId).int16(order.acks).int32(order.timeout)
  to.int32(1).text(own.topic).int32(1).int32(own.partition).int32(batchBytes)
  to.int64(0n)
    .int32(batchBytes - LENGTH_BYTES)
    .int32(LEADER_EPOCH)
    .int8(FORMAT)
  const crcAt = to.at
  to.int32(0)
    .int16(compression | TRANSACTIONAL)
    .int32(records.length - 1)
  to.int64(timestamp).int64(timestamp).int64(BigInt(order.producerId.toString())).int16(order.producerEpoch)
  to.int32(own.firstSequence).int32(records.length)
  if (compressed === undefined) writeRecords(to, records)
  else to.raw(compressed)
  to.buffer.writeUInt32BE(crc32c(to.buffer.subarray(crcAt + 4)), crcAt)
  return to
}

interface EncodedRecord extends Pick<OwnRecord, 'key' | 'value'> {
  readonly headers: Buffer
}

async function compress(records: readonly EncodedRecord[], type: number): Promise<Buffer> {
  const { lookupCodec } = load('kafkajs/src/protocol/message/compression')
  const to = new RequestWriter(Buffer.allocUnsafeSlow(sizeOfRecords(records)))
  writeRecords(to, records)
  return await lookupCodec(type).compress(to)
}

function sizeOfRecords(records: readonly EncodedRecord[]) {
  let size = 0
  let delta = 0
  for (const record of records) {
    const body = sizeOfBody(record, delta)
    size += sizeOfVarint(body) + body
    delta += 1
  }
  return size
}

/**
 * Returns the size of a record without its length. Its attributes and the difference of its timestamp take a byte each.
 */
function sizeOfBody({ key, value, headers }: EncodedRecord, delta: number) {
  return 2 + sizeOfVarint(delta) + sizeOfBytes(key) + sizeOfBytes(value) + headers.length
}

const sizeOfBytes = (bytes: Buffer | null) => (bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length)

function writeRecords(to: RequestWriter, records: readonly EncodedRecord[]) {
  let delta = 0
  for (const record of records) {
    const { key, value, headers } = record
    to.varint(sizeOfBody(record, delta)).int8(0).int8(0).varint(delta)
    to.bytes(key).bytes(value).raw(headers)
    delta += 1
  }
}

/** Most records have the same headers as the one before. */
let lastHeaders: { readonly headers: object; readonly encoded: Buffer } | undefined

/** Encodes the headers of a record, with their number. */
function encodedHeaders(headers: Readonly<Record<string, string>>): Buffer {
  if (lastHeaders?.headers === headers) return lastHeaders.encoded
  const texts = Object.entries(headers).flat()
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const size = lengths.reduce((sum, length) => sum + sizeOfVarint(length) + length, 0)
  const count = texts.length / 2
  const to = new RequestWriter(Buffer.allocUnsafe(sizeOfVarint(count) + size)).varint(count)
  for (const [at, text] of texts.entries()) to.varint(lengths[at] ?? 0).utf8(text)
  lastHeaders = { headers, encoded: to.buffer }
  return to.buffer
}
