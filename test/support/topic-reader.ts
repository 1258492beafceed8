import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { clusterOf } from '../../connector/kafka/kafkajs/cluster.ts'

/** A committed record of a topic. */
export interface TopicRecord {
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly key: string | null
  /** The parsed JSON; undefined when the value is not JSON. */
  readonly value: unknown
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

/** Reads a topic without a consumer group: no rebalance delays it, and it commits no offsets. */
export interface TopicReader {
  /** The next committed records, ordered within each partition; waits up to 250 ms for some. */
  poll(): Promise<readonly TopicRecord[]>
  /** Whether everything in the topic at the first poll was read; false while a transaction there is open. */
  isPastStart(): boolean
  close(): Promise<void>
}

export interface TopicReaderOptions {
  readonly kafka: Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'>
  readonly topic: string
  readonly from: 'beginning' | 'end'
}

interface Position {
  next: bigint
  /** High watermark at the first poll. */
  end: bigint | undefined
}

const READ_COMMITTED = 1
const MAX_WAIT_MS = 250
const MAX_BYTES = 8 << 20

/** Rejects when the topic does not exist. */
export async function openTopic({ kafka, topic, from }: TopicReaderOptions): Promise<TopicReader> {
  const client = new Kafka({ ...kafka, clientId: 'topic-reader', logLevel: logLevel.NOTHING })
  const positions = new Map<number, Position>()
  const admin = client.admin({ retry: { retries: 2 } })
  await admin.connect()
  try {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      positions.set(partition, { next: BigInt(from === 'beginning' ? low : high), end: undefined })
    }
  } finally {
    await admin.disconnect()
  }
  const cluster = clusterOf(client) as unknown as Cluster
  await cluster.connect()
  await cluster.addTargetTopic(topic)
  return {
    poll: async () => {
      try {
        return await pollOnce(cluster, topic, positions)
      } catch {
        // A broker failed or a leader moved: the next poll reads what this one could not.
        await delay(MAX_WAIT_MS)
        await cluster.refreshMetadata().catch(() => cluster.connect().catch(() => {}))
        return []
      }
    },
    isPastStart: () => [...positions.values()].every(({ next, end }) => end !== undefined && next >= end),
    close: () => cluster.disconnect(),
  }
}

/** The records committed in a topic so far; waits up to `withinMs` for open transactions. */
export async function readTopic(bootstrap: string, topic: string, withinMs = 60_000): Promise<TopicRecord[]> {
  return readTopicUntil(bootstrap, topic, { withinMs, isEnough: () => false })
}

/** Reads until `isEnough`, or until the current end of the topic unless `follows`. Rejects after `withinMs`. */
export async function readTopicUntil(
  bootstrap: string,
  topic: string,
  until: { isEnough(records: readonly TopicRecord[]): boolean; readonly withinMs: number; readonly follows?: true },
): Promise<TopicRecord[]> {
  const deadline = performance.now() + until.withinMs
  const reader = await openTopic({ kafka: { brokers: bootstrap.split(',') }, topic, from: 'beginning' })
  const records: TopicRecord[] = []
  try {
    while (!until.isEnough(records) && (until.follows === true || !reader.isPastStart())) {
      if (performance.now() > deadline)
        throw new Error(`${topic}: only ${records.length} records within ${until.withinMs} ms`)
      for (const record of await reader.poll()) records.push(record)
    }
  } finally {
    await reader.close()
  }
  return records
}

/** A partition of a Fetch response (v4 and later), as kafkajs decodes it. */
interface FetchedPartition {
  readonly partition: number
  readonly highWatermark: string
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null
  readonly messages: readonly FetchedRecord[]
}
interface FetchedRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, unknown>>
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}

async function pollOnce(cluster: Cluster, topic: string, positions: Map<number, Position>): Promise<TopicRecord[]> {
  await cluster.refreshMetadataIfNecessary()
  const leaders = Object.entries(cluster.findLeaderForPartitions(topic, [...positions.keys()]))
  const partitions = await Promise.all(
    leaders.map(async ([nodeId, led]) => {
      const broker = await cluster.findBroker({ nodeId })
      const wanted = led.map((partition) => {
        return { partition, fetchOffset: String(positions.get(partition)?.next ?? 0n), maxBytes: MAX_BYTES }
      })
      const limits = { isolationLevel: READ_COMMITTED, maxWaitTime: MAX_WAIT_MS, minBytes: 1, maxBytes: MAX_BYTES }
      const response: unknown = await broker.fetch({ ...limits, topics: [{ topic, partitions: wanted }] })
      return (response as { responses: { partitions: FetchedPartition[] }[] }).responses.flatMap(
        (one) => one.partitions,
      )
    }),
  )
  return partitions.flat().flatMap((fetched) => {
    const position = positions.get(fetched.partition)
    if (position === undefined) return []
    position.end ??= BigInt(fetched.highWatermark)
    return committedOf(fetched, position)
  })
}

const ABORT = Buffer.from([0, 0, 0, 0])

/** Skips control records and records of aborted transactions, and advances the position past all of them. */
function committedOf(
  { partition, abortedTransactions, messages }: FetchedPartition,
  position: Position,
): TopicRecord[] {
  const aborted = [...(abortedTransactions ?? [])].sort((one, other) =>
    Number(BigInt(one.firstOffset) - BigInt(other.firstOffset)),
  )
  const aborting = new Set<string>()
  const records: TopicRecord[] = []
  for (const message of messages) {
    const offset = BigInt(message.offset)
    for (let next = aborted[0]; next !== undefined && BigInt(next.firstOffset) <= offset; next = aborted[0]) {
      aborting.add(next.producerId)
      aborted.shift()
    }
    const { producerId, inTransaction } = message.batchContext
    if (message.isControlRecord && message.key?.equals(ABORT) === true) aborting.delete(producerId)
    const isCommitted = !message.isControlRecord && !(inTransaction && aborting.has(producerId))
    if (isCommitted && offset >= position.next) records.push(recordOf(partition, offset, message))
    if (offset >= position.next) position.next = offset + 1n
  }
  return records
}

function recordOf(partition: number, offset: bigint, message: FetchedRecord): TopicRecord {
  const text = message.value?.toString() ?? ''
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]))
  const key = message.key?.toString() ?? null
  return { partition, offset, timestamp: Number(message.timestamp), key, value: parsed(text), text, headers }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
