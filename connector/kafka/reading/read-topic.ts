import type { TopicLayout } from '../../publish/event-publisher.ts'
import type { EventReading } from '../../publish/event-reading.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { ensureTopic } from '../admin/topics.ts'
import type { Cluster } from '../cluster.ts'
import type { KafkaConfig } from '../kafka-config.ts'
import { type ConnectionParts, retryOnCluster, tryOnCluster } from '../kafka-connection.ts'
import { fetchRecords } from '../kafkajs/fetch-records.ts'
import { applyRecords, isUnfinished, type PartitionReading } from './partition-reading.ts'
import { type LedPartitions, leadersOf, offsetsOf } from './partition-reads.ts'

/** Implements `ReadEvents`. Silence is never taken for the end. Rejects also with `publish.topic-missing`. */
export async function readTopicEvents<Found>(
  parts: ConnectionParts & { readonly config: KafkaConfig },
  reading: EventReading<Found>,
  stop: AbortSignal,
): Promise<void> {
  const { clock, config } = parts
  const { [reading.of ?? 'events']: name } = config.topic
  const open = (cluster: Cluster) =>
    ensureTopic(cluster, { topic: name, create: undefined, acl: 'DESCRIBE' }, { clock, stop })
  const layout = await tryOnCluster(parts, { operation: `open topic ${name}`, work: open }, stop)
  const scans: PartitionReadings<Found> = new Map()
  const work = async (cluster: Cluster) => {
    await findOffsets(cluster, layout, scans)
    const read = async (led: LedPartitions) => {
      for (const partition of led.partitions) await readPartition({ led, partition, scans, reading, clock }, stop)
    }
    await Promise.all((await leadersOf(cluster, layout)).map(read))
  }
  const needs = { TOPIC_AUTHORIZATION_FAILED: `READ on topic ${name}` }
  await retryOnCluster(parts, { operation: `read the events of ${name}`, needs, work, isLong: true }, stop)
}

/** The progress of each partition, by its number: what has been read is not read again after a lost connection. */
type PartitionReadings<Found> = Map<number, PartitionReading<Found>>

/** Finds start and end of partitions that have none yet. Skips what was deleted meanwhile. */
async function findOffsets<Found>(cluster: Cluster, layout: TopicLayout, scans: PartitionReadings<Found>) {
  const starts = await offsetsOf(cluster, layout, 'start')
  const ends = await offsetsOf(cluster, layout, 'end')
  for (const [partition, start] of starts) {
    const scan = scans.get(partition)
    const end = ends.get(partition) ?? start
    if (scan === undefined) scans.set(partition, { partition, next: start, end, open: new Map() })
    else if (scan.next < start) scan.next = start
  }
}

/** The next fetch waits so long while replicas of the partition are behind its leader. */
const ASK_AGAIN_MS = 200
/** A reading without progress fails after so many answers: a minute. */
const MAX_ANSWERS_WITHOUT_PROGRESS = 300
/**
 * A reading goes on after the listed end for so many answers, five seconds: a transaction that has just been committed
 * may have its marker there.
 */
const MAX_ANSWERS_AFTER_END = 25

interface Reading<Found> {
  readonly led: LedPartitions
  readonly partition: number
  readonly scans: PartitionReadings<Found>
  readonly reading: EventReading<Found>
  readonly clock: Clock
}

async function readPartition<Found>(of: Reading<Found>, stop: AbortSignal) {
  const { led, partition, scans, reading, clock } = of
  const scan = scans.get(partition)
  if (scan === undefined) return
  let afterEnd = 0
  const isDone = () => !isUnfinished(scan) && (scan.open.size === 0 || afterEnd > MAX_ANSWERS_AFTER_END)
  for (let silentAnswers = 0; !isDone(); ) {
    const fetched = await fetchRecords(led.broker, { topic: led.topic, partition, offset: scan.next })
    const hasProgressed = applyRecords(scan, fetched, reading)
    silentAnswers = hasProgressed ? 0 : silentAnswers + 1
    if (silentAnswers > MAX_ANSWERS_WITHOUT_PROGRESS)
      throw new ConnectorError('publish.refused', `read ${led.topic}: no progress in partition ${partition}`)
    if (!isUnfinished(scan)) afterEnd += 1
    if (!isDone() && !(hasProgressed && isUnfinished(scan))) await clock.sleep(ASK_AGAIN_MS, stop)
  }
}
