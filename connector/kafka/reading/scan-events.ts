import type { Admin } from 'kafkajs'
import type { TopicLayout } from '../../publish/event-publisher.ts'
import type { EventReading } from '../../publish/event-reading.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { ensureTopic, topicShapes } from '../admin/topics.ts'
import type { KafkaConfig } from '../kafka-config.ts'
import { type AdminParts, withAdmin } from '../kafka-connection.ts'
import { kafkaTimes } from '../kafka-times.ts'
import { fetchRecords } from '../kafkajs/fetch-records.ts'
import { END, type LedPartitions, offsetsOf, onLeaders, START } from './partition-reads.ts'
import {
  applyRecords,
  isUnfinished,
  nextOffset,
  type PartitionScan,
  partitionScan,
  progressOf,
  type ReadProgress,
  shareRead,
} from './partition-scan.ts'

/** See `ReadEvents`. Rejects also with `publish.topic-missing`. */
export async function readTopicEvents<Found>(
  parts: AdminParts & { readonly config: Pick<KafkaConfig, 'topic'> },
  reading: EventReading<Found>,
  stop: AbortSignal,
): Promise<void> {
  const { of = 'events' } = reading
  const { [of]: name } = parts.config.topic
  const { [of]: shape } = topicShapes(parts.config.topic)
  const wanted = { topic: name, shape, mayCreate: false, acl: 'DESCRIBE' } as const
  const work = (admin: Admin) => ensureTopic(admin, wanted, { ...parts, stop })
  const topic = await withAdmin(parts, { operation: `open topic ${name}`, work }, stop)
  await readEvents(parts, { ...reading, topic }, stop)
}

interface TopicReading<Found> extends EventReading<Found> {
  readonly topic: TopicLayout
}

/**
 * Reads every partition from its start to the end that it has now. Silence is never taken for the end. Rejects as `onLeaders`, and with `publish.failed` after five minutes without progress.
 */
async function readEvents<Found>(parts: AdminParts, reading: TopicReading<Found>, stop: AbortSignal): Promise<void> {
  const { clock } = parts
  const { topic } = reading
  const scans = new Map<number, PartitionScan<Found>>()
  const onResponse = () => reading.onProgress(shareRead([...scans.values()]))
  const operation = `read the events of ${topic.topic}`
  const isOver = () => scans.size === topic.partitions && ![...scans.values()].some(isUnfinished)
  let progress: ReadProgress | undefined = { sum: -1n, at: clock.monotonic() }
  while (!isOver()) {
    // A connection lives no longer than a transaction may take, so a long topic takes several.
    const until = clock.monotonic() + kafkaTimes.commitWithinMs / 2
    const pause = (ms: number) => clock.sleep(Math.min(ms, until - clock.monotonic()), stop)
    const leftMs = () => until - clock.monotonic()
    const work = (led: LedPartitions) => scanOn(led, { ...reading, scans, onResponse, leftMs, pause })
    await onLeaders(parts, { operation, topic, work }, stop)
    progress = progressOf([...scans.values()], progress, clock.monotonic())
    if (progress === undefined) throw new ConnectorError('publish.failed', `${operation}: no progress for five minutes`)
  }
}

interface Scanning<Found> extends TopicReading<Found> {
  readonly scans: Map<number, PartitionScan<Found>>
  readonly onResponse: () => void
  /** Of this connection. */
  readonly leftMs: () => number
  readonly pause: (ms: number) => Promise<void>
}

/** Reads to the end of these partitions, one after the other, or until its time is over. */
async function scanOn<Found>(led: LedPartitions, scanning: Scanning<Found>): Promise<void> {
  await findOffsets(led, scanning)
  for (const partition of led.partitions) {
    const scan = scanning.scans.get(partition)
    if (scan !== undefined) await scanPartition(scan, { ...led, partition }, scanning)
  }
}

/** Finds start and end of partitions that have none yet. Skips what was deleted meanwhile. */
async function findOffsets<Found>(led: LedPartitions, { scans }: Scanning<Found>): Promise<void> {
  const starts = await offsetsOf(led, START)
  for (const [partition, first] of starts) {
    const scan = scans.get(partition)
    if (scan !== undefined && scan.next < first) scan.next = first
  }
  const fresh = { ...led, partitions: led.partitions.filter((partition) => !scans.has(partition)) }
  if (fresh.partitions.length === 0) return
  const ends = await offsetsOf(fresh, END)
  for (const [partition, end] of ends)
    scans.set(partition, partitionScan({ partition, start: starts.get(partition) ?? end, end }))
}

/** While replicas of the partition are behind its leader. */
const ASK_AGAIN_MS = 200

async function scanPartition<Found>(
  scan: PartitionScan<Found>,
  { broker, topic, partition }: LedPartitions & { readonly partition: number },
  scanning: Scanning<Found>,
): Promise<void> {
  while (isUnfinished(scan) && scanning.leftMs() > 0) {
    const fetched = await fetchRecords(broker, { topic, partition, offset: scan.next })
    const next = nextOffset(fetched, scan.end)
    if (next !== undefined) applyRecords(scan, { ...fetched, next }, scanning)
    scanning.onResponse()
    const pauseMs = Math.max(fetched.throttledMs, next === undefined ? ASK_AGAIN_MS : 0)
    if (pauseMs > 0 && isUnfinished(scan)) await scanning.pause(pauseMs)
  }
}
