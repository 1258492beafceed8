import type { Message } from 'kafkajs'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { OutgoingRecord } from './event-publisher.ts'
import { partitionOf } from './partition.ts'

/** What one partition gets, in order; each chunk is one request. */
export interface PartitionBatches {
  readonly topic: string
  readonly partition: number
  readonly chunks: readonly (readonly Message[])[]
}

export interface TopicLayout {
  readonly topic: string
  readonly partitions: number
}

export interface BatchLayout {
  readonly events: TopicLayout
  readonly deadLetters: TopicLayout
  /** The largest record, and what a chunk is kept below (with some room), in bytes. */
  readonly maxMessageBytes: number
  /** Milliseconds since 1970, the timestamp of every record. */
  readonly publishedAt: number
}

/** kafkajs groups the messages of a call in quadratic time. */
const maxChunkMessages = 2000
/** Length, attributes, offsets and our one header. */
const recordOverheadBytes = 80
const chunkFill = 0.9

const headersOf = {
  events: { 'content-type': Buffer.from('application/cloudevents+json') },
  deadLetters: { 'content-type': Buffer.from('application/json') },
}

interface OpenBatches extends PartitionBatches {
  readonly chunks: Message[][]
  bytes: number
}

/** Sorts the records of a call by partition, keeping their order, in chunks that a broker takes. Throws `publish.refused` for a record above the limit. */
export function partitionBatches(records: readonly OutgoingRecord[], layout: BatchLayout): PartitionBatches[] {
  const timestamp = String(layout.publishedAt)
  const open = { events: new Map<number, OpenBatches>(), deadLetters: new Map<number, OpenBatches>() }
  for (const record of records) {
    const { topic, partitions } = layout[record.to]
    const key = record.key === null ? null : Buffer.from(record.key)
    const bytes = (key?.length ?? 0) + Buffer.byteLength(record.value) + recordOverheadBytes
    if (bytes > layout.maxMessageBytes) throw tooLarge(topic, bytes, layout.maxMessageBytes)
    const partition = partitionOf(key ?? Buffer.from(record.value), partitions)
    let batches = open[record.to].get(partition)
    if (batches === undefined) {
      batches = { topic, partition, chunks: [[]], bytes: 0 }
      open[record.to].set(partition, batches)
    }
    const message = { key, value: record.value, partition, timestamp, headers: headersOf[record.to] }
    add(batches, message, { bytes, limit: layout.maxMessageBytes * chunkFill })
  }
  return [...open.events.values(), ...open.deadLetters.values()]
}

function add(batches: OpenBatches, message: Message, size: { bytes: number; limit: number }): void {
  const last = batches.chunks.at(-1)
  const fits = last !== undefined && batches.bytes + size.bytes <= size.limit && last.length < maxChunkMessages
  if (fits || last?.length === 0) {
    last?.push(message)
    batches.bytes += size.bytes
  } else {
    batches.chunks.push([message])
    batches.bytes = size.bytes
  }
}

const tooLarge = (topic: string, bytes: number, limit: number) =>
  new ConnectorError(
    'publish.refused',
    `publish to ${topic}: a record of ${bytes} bytes is above the limit of ${limit}`,
  )
