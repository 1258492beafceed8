import { array, bytesReader, int8, int32, int64, text } from '../support/servers/kafka-bytes.ts'
import { askBroker, clusterView } from '../support/servers/kafka-wire.ts'
import { type LogRecord, type RecordBatch, recordBatches } from './record-batch.ts'

/** What one partition holds up to its last stable offset, and which of it a reader of committed records must leave out. */
export interface PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly batches: RecordBatch[]
  /** By producer id and first offset. */
  readonly aborted: Map<string, { readonly producerId: bigint; readonly firstOffset: bigint }>
  /** Whether the last answer held everything, open transactions included. */
  isAtEnd: boolean
}

export interface CommittedRecord extends LogRecord {
  readonly partition: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Reads topics by Kafka's protocol alone, with read committed isolation. It shares no code with the connector and no client library. */
export interface TopicLog {
  readonly partitions: readonly PartitionLog[]
  /** Reads on to the end of what is stable now. Skips what no leader answers for. */
  readOn(): Promise<void>
}

const READ_COMMITTED = 1
const MAX_BYTES = 4 << 20

/** `ports`: where brokers listen; any of them that answers will do. Topics that do not exist yet are looked for at each `readOn`. */
export function topicLog({ ports, topics }: { ports: readonly number[]; topics: readonly string[] }): TopicLog {
  const logs = new Map<string, PartitionLog>()
  const partitions: PartitionLog[] = []
  const logOf = (topic: string, partition: number) => {
    const name = `${topic}/${partition}`
    const log = logs.get(name) ?? { topic, partition, batches: [], aborted: new Map(), isAtEnd: false }
    if (!logs.has(name)) partitions.push(log)
    logs.set(name, log)
    return log
  }
  const readOn = async () => {
    for (;;) {
      const led = (await firstView(ports, topics)) ?? { brokers: [], partitions: [] }
      const read = led.brokers.map(async ({ id, port }) => {
        const own = led.partitions.filter(({ leader }) => leader === id)
        return await fetchInto(
          own.map(({ topic, partition }) => logOf(topic, partition)),
          port,
        )
      })
      if ((await Promise.all(read)).every((batches) => batches === 0)) return
    }
  }
  return { partitions, readOn }
}

async function firstView(ports: readonly number[], topics: readonly string[]) {
  for (const port of ports) {
    const view = await clusterView(port, topics)
    if (view !== undefined) return view
  }
  return undefined
}

/** One Fetch request (version 4); resolves to how many batches came. */
async function fetchInto(logs: readonly PartitionLog[], port: number): Promise<number> {
  if (logs.length === 0) return 0
  const wanted = logs.map((log) => {
    const place = [int32(log.partition), int64(nextOffset(log)), int32(MAX_BYTES)]
    return Buffer.concat([text(log.topic), array([Buffer.concat(place)])])
  })
  const [replica, maxWaitMs, minBytes] = [-1, 100, 1]
  const limits = [int32(replica), int32(maxWaitMs), int32(minBytes), int32(8 * MAX_BYTES), int8(READ_COMMITTED)]
  const body = Buffer.concat([...limits, array(wanted)])
  const answer = await askBroker(port, { api: 'fetch', version: 4, body }, 10_000)
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
      const [partition, errorCode] = [read.int32(), read.int16()]
      const [highWatermark, lastStable] = [read.int64(), read.int64()]
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

/** The records that are committed, in the order of the partition: what the broker names as aborted is left out, as every consumer does. */
export function committedRecords({ partition, batches, aborted }: PartitionLog): CommittedRecord[] {
  const coming = [...aborted.values()].sort((one, other) => Number(one.firstOffset - other.firstOffset))
  const aborting = new Set<bigint>()
  return batches.flatMap(({ firstOffset, lastOffset, producerId, producerEpoch, isTransactional, marker, records }) => {
    for (let next = coming[0]; next !== undefined && next.firstOffset <= lastOffset; next = coming[0]) {
      aborting.add(next.producerId)
      coming.shift()
    }
    if (marker === 'abort') aborting.delete(producerId)
    if (marker !== undefined || (isTransactional && aborting.has(producerId))) return []
    if (records.some(({ offset }) => offset < firstOffset)) throw new Error(`a record before its batch ${firstOffset}`)
    return records.map((record) => ({ ...record, partition, producerId, producerEpoch }))
  })
}
