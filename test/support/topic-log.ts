import { type LogRecord, type RecordBatch, recordBatches } from './record-batch.ts'
import { array, bytesReader, int8, int32, int64, text } from './servers/kafka-bytes.ts'
import { askBroker, clusterView, type Listener, listenersOf } from './servers/kafka-wire.ts'

/** The batches of one partition up to its last stable offset, and the aborted transactions in them. */
export interface PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly batches: RecordBatch[]
  /** Aborted transactions by producer id and first offset. */
  readonly aborted: Map<string, { readonly producerId: bigint; readonly firstOffset: bigint }>
  /** Whether the last response reached the end of the log and no transaction is open. */
  isAtEnd: boolean
}

export interface CommittedRecord extends LogRecord {
  readonly partition: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Reads topics by the Kafka protocol with read_committed isolation, without connector code or a client library. */
export interface TopicLog {
  readonly partitions: readonly PartitionLog[]
  /** Reads what comes next, and waits a little for it. Resolves to the number of batches. */
  readNext(): Promise<number>
  /** Continues reading up to the current last stable offsets. Skips partitions whose leader does not answer. */
  readOn(): Promise<void>
}

const READ_COMMITTED = 1
const MAX_BYTES = 4 << 20

export interface TopicLogParts {
  /** Metadata comes from the first broker that answers. */
  readonly bootstrap: string
  /** May be created later: each reading looks for them again. */
  readonly topics: readonly string[]
}

export function topicLog(parts: TopicLogParts): TopicLog {
  const logs = new Map<string, PartitionLog>()
  const partitions: PartitionLog[] = []
  const logOf = (topic: string, partition: number) => {
    const name = `${topic}/${partition}`
    const log = logs.get(name) ?? { topic, partition, batches: [], aborted: new Map(), isAtEnd: false }
    if (!logs.has(name)) partitions.push(log)
    logs.set(name, log)
    return log
  }
  const readNext = async () => {
    const led = (await firstView(parts)) ?? { brokers: [], partitions: [] }
    const known = led.partitions.map(({ topic, partition, leader }) => ({ leader, log: logOf(topic, partition) }))
    const read = led.brokers.map((broker) => {
      const own = known.filter(({ leader }) => leader === broker.id)
      return fetchInto(
        own.map(({ log }) => log),
        broker,
      )
    })
    return (await Promise.all(read)).reduce((sum, batches) => sum + batches, 0)
  }
  const readOn = async () => {
    while ((await readNext()) > 0);
  }
  return { partitions, readNext, readOn }
}

async function firstView({ bootstrap, topics }: TopicLogParts) {
  for (const listener of listenersOf(bootstrap)) {
    const view = await clusterView(listener, topics)
    if (view !== undefined) return view
  }
  return undefined
}

/** Sends one Fetch request (version 4); resolves to the number of batches received. */
async function fetchInto(logs: readonly PartitionLog[], broker: Listener): Promise<number> {
  if (logs.length === 0) return 0
  const wanted = logs.map((log) => {
    const place = [int32(log.partition), int64(nextOffset(log)), int32(MAX_BYTES)]
    return Buffer.concat([text(log.topic), array([Buffer.concat(place)])])
  })
  const replica = -1
  const maxWaitMs = 100
  const minBytes = 1
  const body = Buffer.concat([
    int32(replica),
    int32(maxWaitMs),
    int32(minBytes),
    int32(8 * MAX_BYTES),
    int8(READ_COMMITTED),
    array(wanted),
  ])
  const answer = await askBroker(broker, { api: 'fetch', version: 4, body }, 10_000)
  if (answer === undefined) return 0
  return fetched(answer, logs)
}

function fetched(answer: Buffer, logs: readonly PartitionLog[]): number {
  let count = 0
  const read = bytesReader(answer)
  read.skip(4) // throttle time
  read.array(() => {
    const topic = read.text()
    read.array(() => {
      const partition = read.int32()
      const errorCode = read.int16()
      const highWatermark = read.int64()
      const lastStable = read.int64()
      const aborted = read.array(() => ({ producerId: read.int64(), firstOffset: read.int64() }))
      const batches = recordBatches(read.bytes() ?? Buffer.alloc(0))
      const log = logs.find((one) => one.topic === topic && one.partition === partition)
      if (log === undefined || errorCode !== 0) return
      for (const one of aborted) log.aborted.set(`${one.producerId}/${one.firstOffset}`, one)
      log.batches.push(...batches)
      log.isAtEnd = nextOffset(log) >= highWatermark && lastStable >= highWatermark
      count += batches.length
    })
  })
  return count
}

const nextOffset = ({ batches }: PartitionLog) => (batches.at(-1)?.lastOffset ?? -1n) + 1n

/** The committed records in offset order. */
export function committedRecords(log: PartitionLog): CommittedRecord[] {
  return committedIn(log, { aborted: new Map(log.aborted), aborting: new Set() })
}

/** Of a reading of a partition. */
export interface Aborted {
  /** The transactions that have not begun. */
  readonly aborted: PartitionLog['aborted']
  /** The producers of those that have begun. */
  readonly aborting: Set<bigint>
}

/** The committed records of further batches. Skips transactions that the broker lists as aborted, as consumers do. */
export function committedIn(
  { partition, batches }: { readonly partition: number; readonly batches: readonly RecordBatch[] },
  { aborted, aborting }: Aborted,
): CommittedRecord[] {
  return batches.flatMap(({ firstOffset, lastOffset, producerId, producerEpoch, isTransactional, marker, records }) => {
    for (const [name, one] of aborted) {
      if (one.firstOffset > lastOffset) continue
      aborting.add(one.producerId)
      aborted.delete(name)
    }
    if (marker === 'abort') aborting.delete(producerId)
    if (marker !== undefined || (isTransactional && aborting.has(producerId))) return []
    if (records.some(({ offset }) => offset < firstOffset))
      throw new Error(`record offset below the first offset ${firstOffset} of its batch`)
    return records.map((record) => ({ ...record, partition, producerId, producerEpoch }))
  })
}
