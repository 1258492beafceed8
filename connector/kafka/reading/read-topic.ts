import type { Admin } from 'kafkajs'
import type { TopicLayout } from '../../publish/event-publisher.ts'
import type { EventReading } from '../../publish/event-reading.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { ensureTopic } from '../admin/topics.ts'
import type { KafkaConfig } from '../kafka-config.ts'
import { type AdminParts, withAdmin, withCluster } from '../kafka-connection.ts'
import { kafkaTimes } from '../kafka-times.ts'
import type { Cluster } from '../kafkajs/cluster.ts'
import { fetchRecords } from '../kafkajs/fetch-records.ts'
import { END, type LedPartitions, leadersOf, offsetsOf, START } from './partition-reads.ts'
import {
  applyRecords,
  isUnfinished,
  nextOffset,
  type PartitionScan,
  partitionScan,
  shareRead,
} from './partition-scan.ts'

/** See `ReadEvents`. Silence is never taken for the end. Rejects also with `publish.topic-missing`. */
export async function readTopicEvents<Found>(
  parts: AdminParts & { readonly config: Pick<KafkaConfig, 'topic'> },
  reading: EventReading<Found>,
  stop: AbortSignal,
): Promise<void> {
  const { clock, config } = parts
  const { [reading.of ?? 'events']: name } = config.topic
  const open = (admin: Admin) =>
    ensureTopic(admin, { topic: name, create: undefined, acl: 'DESCRIBE' }, { clock, stop })
  const layout = await withAdmin(parts, { operation: `open topic ${name}`, work: open }, stop)
  const needs = { TOPIC_AUTHORIZATION_FAILED: `READ on topic ${name}` }
  const state: Reading<Found> = { reading, layout, scans: new Map(), progressAt: clock.monotonic() }
  while (isOpen(state)) {
    // A connection lives no longer than a transaction may take, so a long topic takes several.
    const until = clock.monotonic() + kafkaTimes.commitWithinMs / 2
    const time = { now: () => clock.monotonic(), until, pause: (ms: number) => clock.sleep(ms, stop) }
    const work = async (cluster: Cluster) => {
      await Promise.all((await leadersOf(cluster, layout)).map((led) => scanOn(led, state, time)))
    }
    await withCluster(parts, { operation: `read the events of ${name}`, needs, work }, stop)
    if (clock.monotonic() - state.progressAt > MAX_STANDSTILL_MS)
      throw new ConnectorError('publish.failed', `read the events of ${name}: no progress for five minutes`)
  }
}

const MAX_STANDSTILL_MS = 300_000

interface Reading<Found> {
  readonly reading: EventReading<Found>
  readonly layout: TopicLayout
  readonly scans: Map<number, PartitionScan<Found>>
  /** When a partition last progressed, by the monotonic clock. */
  progressAt: number
}

/** Of one connection. */
interface ReadingTime {
  readonly now: () => number
  readonly until: number
  readonly pause: (ms: number) => Promise<void>
}

const isOpen = <Found>({ scans, layout }: Reading<Found>) =>
  scans.size < layout.partitions || [...scans.values()].some(isUnfinished)

/** Reads to the end of these partitions, one after the other, or until its time is over. */
async function scanOn<Found>(led: LedPartitions, state: Reading<Found>, time: ReadingTime): Promise<void> {
  await findOffsets(led, state)
  for (const partition of led.partitions) {
    const scan = state.scans.get(partition)
    while (scan !== undefined && isUnfinished(scan) && time.now() < time.until) await readOn(led, { scan, state, time })
  }
}

/** Finds start and end of partitions that have none yet. Skips what was deleted meanwhile. */
async function findOffsets<Found>(led: LedPartitions, { scans }: Reading<Found>): Promise<void> {
  const [starts, ends] = await Promise.all([offsetsOf(led, START), offsetsOf(led, END)])
  for (const [partition, start] of starts) {
    const scan = scans.get(partition)
    if (scan === undefined) scans.set(partition, partitionScan({ partition, start, end: ends.get(partition) ?? start }))
    else if (scan.next < start) scan.next = start
  }
}

/** While replicas of the partition are behind its leader. */
const ASK_AGAIN_MS = 200

async function readOn<Found>(
  { broker, topic }: LedPartitions,
  { scan, state, time }: { scan: PartitionScan<Found>; state: Reading<Found>; time: ReadingTime },
): Promise<void> {
  const fetched = await fetchRecords(broker, { topic, partition: scan.partition, offset: scan.next })
  const next = nextOffset(fetched, scan.end)
  if (next !== undefined) {
    applyRecords(scan, { ...fetched, next }, state.reading)
    state.progressAt = time.now()
  }
  state.reading.onProgress(shareRead([...state.scans.values()]))
  const pauseMs = Math.max(fetched.throttledMs, next === undefined ? ASK_AGAIN_MS : 0)
  if (pauseMs > 0 && isUnfinished(scan)) await time.pause(Math.min(pauseMs, Math.max(0, time.until - time.now())))
}
