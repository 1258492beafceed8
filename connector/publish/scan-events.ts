import type { Admin } from 'kafkajs'
import type { StoredEvent } from '../event/client-event.ts'
import type { KafkaConfig } from '../kafka/kafka-config.ts'
import { type AdminParts, withAdmin } from '../kafka/kafka-connection.ts'
import type { FetchedRecord } from '../kafka/kafkajs/cluster.ts'
import { END, fetchFrom, type LedPartitions, offsetsOf, onLeaders } from '../kafka/partition-reads.ts'
import { ensureTopic, type TopicLayout, topicShapes } from '../kafka/topics.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { EventMatch, EventReading, EventScan, OpenTransaction } from './event-publisher.ts'

/** Scans the topic from a record time on and returns the matches that committed readers can see. Rejects like `onLeaders`. */
export async function scanEvents(
  parts: AdminParts,
  { topic, since, matchOf }: EventScan & { topic: TopicLayout },
  stop: AbortSignal,
): Promise<ReadonlySet<EventMatch>> {
  const visible = new Set<EventMatch>()
  const onVisible = (match: EventMatch) => visible.add(match)
  await readEvents(parts, { topic, since, find: matchOf, onVisible, onProgress: () => {} }, stop)
  return visible
}

/** Reads the events from a record time on. A retry resumes where the last attempt failed. Rejects like `onLeaders`. */
async function readEvents<Found>(
  parts: AdminParts,
  reading: EventReading<Found> & { topic: TopicLayout; since: number },
  stop: AbortSignal,
): Promise<void> {
  const { topic, since } = reading
  const scans = new Map<number, PartitionScan<Found>>()
  const onResponse = () => reading.onProgress(shareRead([...scans.values()]))
  let until = 0
  const isOver = () => parts.clock.monotonic() >= until
  const work = async (led: LedPartitions) =>
    scanOn(await scansOf(led, since, scans), led, { ...reading, onResponse, isOver })
  // A connection lives no longer than a transaction may take, so a long topic takes several.
  do {
    until = parts.clock.monotonic() + parts.config.timeouts.commitWithinMs / 2
    await onLeaders(parts, { operation: `read the events of ${topic.topic}`, topic, work }, stop)
  } while ([...scans.values()].some(isUnfinished))
}

/** Reads all events of the topic. Rejects like `onLeaders`, and with `publish.topic-missing`. */
export async function readTopicEvents<Found>(
  parts: AdminParts & { readonly config: Pick<KafkaConfig, 'topic'> },
  reading: EventReading<Found>,
  stop: AbortSignal,
): Promise<void> {
  const { topic } = parts.config
  const [shape] = topicShapes(topic)
  const wanted = { topic: topic.events, shape, mayCreate: false, alternative: undefined, acl: 'DESCRIBE' } as const
  const work = (admin: Admin) => ensureTopic(admin, wanted, { ...parts, stop })
  const found = await withAdmin(parts, { operation: `open topic ${topic.events}`, work }, stop)
  await readEvents(parts, { ...reading, topic: found, since: 0 }, stop)
}

/** Progress of the scan in one partition. */
interface PartitionScan<Found> {
  readonly start: bigint
  next: bigint
  readonly end: bigint
  emptyResponses: number
  /** Finds that have no transaction marker yet, by producer id. */
  readonly open: Map<string, Found[]>
}

const isUnfinished = ({ next, end }: PartitionScan<unknown>) => next < end

function shareRead(scans: readonly PartitionScan<unknown>[]): number {
  const all = scans.reduce((sum, { start, end }) => sum + Number(end - start), 0)
  const read = scans.reduce((sum, { start, next }) => sum + Number(next - start), 0)
  return all === 0 ? 1 : Math.min(1, read / all)
}

async function scansOf<Found>(
  led: LedPartitions,
  since: number,
  known: Map<number, PartitionScan<Found>>,
): Promise<Map<number, PartitionScan<Found>>> {
  const fresh = { ...led, partitions: led.partitions.filter((partition) => !known.has(partition)) }
  if (fresh.partitions.length > 0) {
    const ends = await offsetsOf(fresh, { isolationLevel: 0, timestamp: END })
    const starts = await offsetsOf(fresh, { isolationLevel: 0, timestamp: since })
    for (const [partition, end] of ends) {
      const start = starts.get(partition) ?? end
      known.set(partition, { start, next: start, end, emptyResponses: 0, open: new Map() })
    }
  }
  return new Map([...known].filter(([partition]) => led.partitions.includes(partition)))
}

type Scanning<Found> = EventReading<Found> & { readonly onResponse: () => void; readonly isOver: () => boolean }

/** Reads to the end of these partitions, or until its time is over. */
async function scanOn<Found>(
  scans: Map<number, PartitionScan<Found>>,
  led: LedPartitions,
  scanning: Scanning<Found>,
): Promise<void> {
  while (!scanning.isOver()) {
    const unfinished = [...scans].filter(([, scan]) => isUnfinished(scan))
    if (unfinished.length === 0) return
    const fetched = await fetchFrom(led, new Map(unfinished.map(([partition, { next }]) => [partition, next])))
    const nonEmpty = fetched.filter(({ messages }) => messages.length > 0)
    for (const [, scan] of unfinished) {
      scan.emptyResponses = nonEmpty.length === 0 ? scan.emptyResponses + 1 : 0
      // Compaction may have removed the last records of a partition: two empty responses end the scan.
      if (scan.emptyResponses === 2) scan.next = scan.end
    }
    for (const { partition, messages } of nonEmpty) {
      const scan = scans.get(partition)
      if (scan !== undefined) applyRecords(scan, messages, scanning)
    }
    scanning.onResponse()
  }
}

function applyRecords<Found>(
  scan: PartitionScan<Found>,
  records: readonly FetchedRecord[],
  reading: EventReading<Found>,
): void {
  // A response begins with the whole batch that holds the requested offset.
  for (const record of records) if (BigInt(record.offset) >= scan.next) applyRecord(scan, record, reading)
  const last = records.at(-1)?.batchContext
  // Compaction may have removed the last records of a batch.
  if (last !== undefined) scan.next = BigInt(last.firstOffset) + BigInt(last.lastOffsetDelta) + 1n
}

/** A transaction marker decides about all earlier records of its producer in the partition. */
function applyRecord<Found>({ open }: PartitionScan<Found>, record: FetchedRecord, reading: EventReading<Found>): void {
  const { producerId, inTransaction } = record.batchContext
  if (record.isControlRecord) {
    if (isCommit(record.key)) open.get(producerId)?.forEach(reading.onVisible)
    open.delete(producerId)
    return
  }
  const found = reading.find(storedEvent(record))
  if (found === undefined) return
  const ofProducer = open.get(producerId)
  if (!inTransaction) reading.onVisible(found)
  else if (ofProducer === undefined) open.set(producerId, [found])
  else ofProducer.push(found)
}

function storedEvent({ key, value, headers }: FetchedRecord): StoredEvent {
  if (value !== null) return { value: value.toString() }
  const texts = Object.entries(headers).map(([name, header]) => [name, String(header)])
  return { key: key?.toString() ?? '', value, headers: Object.fromEntries(texts) }
}

/** The key of a transaction marker holds its version and its type, two bytes each. */
const isCommit = (key: Buffer | null) => key !== null && key.length >= 4 && key.readInt16BE(2) === 1

/** See `ExactlyOnceProducer`. Rejects like `onLeaders`. */
export async function readHangingEvent(
  parts: AdminParts,
  { topic, open }: { topic: TopicLayout; open: readonly OpenTransaction[] },
  stop: AbortSignal,
): Promise<StoredEvent | undefined> {
  const hanging = open.find((one) => one.topic === topic.topic)
  if (hanging === undefined) return undefined
  const { partition, startOffset } = hanging
  let event: StoredEvent | undefined
  const work = async (led: LedPartitions) => {
    if (!led.partitions.includes(partition)) return
    const [fetched] = await fetchFrom(led, new Map([[partition, BigInt(startOffset)]]))
    const record = fetched?.messages.find(({ offset }) => offset === startOffset)
    if (record === undefined)
      throw new ConnectorError(
        'publish.failed',
        `read ${topic.topic} partition ${partition}: no record at ${startOffset}`,
      )
    event = storedEvent(record)
  }
  await onLeaders(parts, { operation: `read a hanging event of ${topic.topic}`, topic, work }, stop)
  return event
}
