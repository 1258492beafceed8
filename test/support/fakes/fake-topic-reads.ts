import type { Fetched, FetchedRecord } from '../../../connector/kafka/kafkajs/fetch-records.ts'
import {
  applyRecords,
  isUnfinished,
  nextOffset,
  type PartitionScan,
  partitionScan,
} from '../../../connector/kafka/reading/partition-scan.ts'
import type { EventReading, TopicEnd } from '../../../connector/publish/event-publisher.ts'
import { untilAborted } from '../../../connector/runtime/abort.ts'
import { type Cluster, type FakeRecord, lost, type StreamOfReplica } from './fake-kafka-cluster.ts'

/** Reads the topic by the connector's own rules, from brokers that may throttle it and that compact the topic. */

export async function readEvents<Found>(
  { cluster, name, request }: StreamOfReplica,
  reading: EventReading<Found>,
  stop: AbortSignal,
): Promise<TopicEnd<Found>> {
  const effect = () => {
    const scans = new Map<number, PartitionScan<Found>>()
    for (let partition = 0; partition < cluster.partitions; partition += 1)
      scans.set(
        partition,
        readPartition(recordsOf(cluster, { name, partition, to: reading.of ?? 'events' }), cluster, {
          ...reading,
          partition,
        }),
      )
    return scans
  }
  const answer = request({ operation: 'scan', effect, lost: lost('scan', 'publish.unreachable') })
  const scans = await untilAborted(stop, answer)
  reading.onProgress(1)
  return scans
}

/** As if each stream had a topic of its own; with gaps where compaction has removed something. */
function recordsOf(
  { committed, compacted }: Cluster,
  of: { readonly name: string; readonly partition: number; readonly to: FakeRecord['to'] },
): (FakeRecord | undefined)[] {
  const isOf = ({ to, stream, partition }: FakeRecord) =>
    to === of.to && stream === of.name && partition === of.partition
  const events = committed.filter(isOf)
  return events.map((record) => (compacted.has(record) ? undefined : record))
}

/** Records become visible at once, so no transaction is open in a partition. */
function readPartition<Found>(
  events: readonly (FakeRecord | undefined)[],
  { throttled }: Cluster,
  { partition, ...reading }: EventReading<Found> & { readonly partition: number },
): PartitionScan<Found> {
  const earlier = reading.from?.get(partition)
  const first = events.findIndex((event) => event !== undefined)
  const start = earlier?.next ?? BigInt(first < 0 ? events.length : first)
  const scan = partitionScan<Found>({ partition, start, end: BigInt(events.length) }, earlier)
  let responses = 0
  for (; isUnfinished(scan); responses += 1) {
    const isThrottled = throttled === 'on' && responses % 3 !== 2
    const fetched = isThrottled ? nothing : fetchedAt(events, Number(scan.next))
    const next = nextOffset(fetched, scan.end)
    if (next !== undefined) applyRecords(scan, { ...fetched, next }, reading)
  }
  return scan
}

const nothing: Fetched = { throttledMs: 100, isEmpty: true, records: [], next: undefined, highWatermark: 0n }

const BATCH = 2

/** The next batches; none if compaction has removed all that follow. */
function fetchedAt(events: readonly (FakeRecord | undefined)[], offset: number): Fetched {
  const from = events.findIndex((event, at) => at >= offset && event !== undefined)
  const highWatermark = BigInt(events.length)
  if (from < 0) return { throttledMs: 0, isEmpty: true, records: [], next: undefined, highWatermark }
  const batch = events.slice(from, from + BATCH)
  const records = batch.flatMap((event, at) => (event === undefined ? [] : [fetchedRecord(event, from + at)]))
  return { throttledMs: 0, isEmpty: false, records, next: BigInt(from + batch.length), highWatermark }
}

function fetchedRecord(record: FakeRecord, offset: number): FetchedRecord {
  return {
    offset: String(offset),
    timestamp: String(record.at),
    key: record.key === null ? null : Buffer.from(record.key),
    value: record.value === null ? null : Buffer.from(record.value),
    headers: record.headers,
    isControlRecord: false,
    batchContext: { producerId: record.replica, inTransaction: false },
  }
}
