import type { RecordMetadata } from 'kafkajs'
import type { OutgoingRecord, RecordHeaders } from '../../event/client-event.ts'
import type { TopicLayout } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { OwnRecord } from '../cluster.ts'
import { partitionOf } from '../partitioner.ts'

/** One request sends these records of one partition, in order. */
export interface PartitionChunk {
  readonly topic: string
  readonly partition: number
  readonly records: OwnRecord[]
}

interface ChunkLayout {
  readonly events: TopicLayout
  readonly deadLetters: TopicLayout
  /** No record may be larger than this, in bytes. A chunk of several records takes at most `chunkFill` of it. */
  readonly maxMessageBytes: number
  /** Every record gets this timestamp, in ms since 1970. */
  readonly publishedAt: number
}

const noBytes = Buffer.alloc(0)
/** The lengths, attributes and offset of a record take at most so many bytes. */
const recordOverheadBytes = 36
/** The lengths of the name and the text of a header take at most so many bytes. */
const headerOverheadBytes = 4
/** If a chunk has several records, they take at most this share of the limit. */
const chunkFill = 0.9

/**
 * Groups records by partition, in order, into chunks that a broker accepts. Throws `publish.refused` if a record
 * exceeds the limit.
 */
export function chunksByPartition(records: readonly OutgoingRecord[], layout: ChunkLayout): PartitionChunk[][] {
  const timestamp = String(layout.publishedAt)
  const chunksOfPartitions = new Map<string, { readonly chunks: PartitionChunk[]; lastChunkBytes: number }>()
  for (const record of records) {
    const { target, headers, value } = record
    const { topic, partitions } = layout[target]
    const key = record.key === null ? null : Buffer.from(record.key)
    const bytes = recordOverheadBytes + sizeOfHeaders(headers) + (key?.length ?? 0) + (value?.length ?? 0)
    if (bytes > layout.maxMessageBytes) throw tooLargeError(topic, bytes, layout.maxMessageBytes)
    const partition = record.value === null ? record.partition : partitionOf(key ?? value ?? noBytes, partitions)
    const partitionChunks = chunksOfPartitions.get(`${target} ${partition}`) ?? {
      chunks: [],
      // The first record always begins a chunk.
      lastChunkBytes: Number.POSITIVE_INFINITY,
    }
    chunksOfPartitions.set(`${target} ${partition}`, partitionChunks)
    if (partitionChunks.lastChunkBytes + bytes > layout.maxMessageBytes * chunkFill) {
      partitionChunks.chunks.push({ topic, partition, records: [] })
      partitionChunks.lastChunkBytes = 0
    }
    partitionChunks.chunks.at(-1)?.records.push({ key, value, timestamp, headers })
    partitionChunks.lastChunkBytes += bytes
  }
  return [...chunksOfPartitions.values()].map(({ chunks }) => chunks)
}

/** Most records have the same headers as the one before. */
let lastHeaders: { readonly headers: RecordHeaders; readonly size: number } | undefined

/** Returns an upper bound of the size of the headers, whose names are ASCII. */
function sizeOfHeaders(headers: RecordHeaders) {
  if (lastHeaders?.headers === headers) return lastHeaders.size
  let size = 0
  for (const [name, text] of Object.entries(headers))
    size += name.length + Buffer.byteLength(text) + headerOverheadBytes
  lastHeaders = { headers, size }
  return size
}

const tooLargeError = (topic: string, bytes: number, limit: number) =>
  new ConnectorError('publish.refused', `publish to ${topic}: a record of ${bytes} bytes exceeds the limit of ${limit}`)

/**
 * Sends the chunks of each partition one after another, and the partitions in parallel. Each call covers one partition:
 * a kafkajs call that spans two leaders may lose or duplicate records. Resolves once all are stored. After an error, or
 * once the producer is closed, this starts no further request. It then rejects with the first error after all requests
 * have settled; if there was none, it resolves although chunks may not have been sent.
 */
export async function sendChunks(
  partitionedChunks: readonly (readonly PartitionChunk[])[],
  parts: { send: (chunk: PartitionChunk) => Promise<readonly SendResponse[]>; isClosed: () => boolean },
): Promise<void> {
  const errors: unknown[] = []
  await Promise.all(
    partitionedChunks.map(async (chunks) => {
      for (const chunk of chunks) {
        if (errors.length > 0 || parts.isClosed()) return
        try {
          checkResponse(await parts.send(chunk), chunk)
        } catch (error) {
          errors.push(error)
        }
      }
    }),
  )
  if (errors.length > 0) throw errors[0]
}

type SendResponse = Pick<RecordMetadata, 'topicName' | 'partition' | 'errorCode'>

/**
 * Throws unless the response covers exactly the partition that was sent: kafkajs may resolve without having sent the
 * records.
 */
function checkResponse([only, ...others]: readonly SendResponse[], { topic, partition }: PartitionChunk) {
  const isCovered = only?.topicName === topic && only.partition === partition && only.errorCode === 0
  if (isCovered && others.length === 0) return
  throw new ConnectorError('publish.failed', `publish to ${topic}: the response does not cover partition ${partition}`)
}
