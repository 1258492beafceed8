import { setTimeout as delay } from 'node:timers/promises'
import { committedIn, type PartitionLog, topicLog } from './topic-log.ts'

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
  /** The next committed records, ordered within each partition; waits a little for some. */
  poll(): Promise<readonly TopicRecord[]>
  /** Whether everything in the topic at the first poll was read; false while a transaction there is open. */
  isPastStart(): boolean
}

/** Reads from the beginning; undefined when the topic does not exist. */
export async function openTopic(bootstrap: string, topic: string): Promise<TopicReader | undefined> {
  const log = topicLog({ bootstrap, topics: [topic] })
  await log.readNext()
  if (log.partitions.length === 0) return undefined
  const places = new Map<number, Place>()
  let isFirst = true
  return {
    poll: async () => {
      // A broker failed or a leader moved: the next poll reads what this one could not.
      if (!isFirst && (await log.readNext()) === 0) await delay(20)
      isFirst = false
      return log.partitions.flatMap((one) => {
        const place = places.get(one.partition) ?? { aborting: new Set(), kept: 0, wasAtEnd: false }
        places.set(one.partition, place)
        return recordsOf(one, place)
      })
    },
    isPastStart: () => places.size > 0 && [...places.values()].every(({ wasAtEnd }) => wasAtEnd),
  }
}

/** How far a partition is read. */
interface Place {
  readonly aborting: Set<bigint>
  /** Batches in the log that are read: its last one says where it goes on. */
  kept: number
  wasAtEnd: boolean
}

function recordsOf({ partition, batches, aborted, isAtEnd }: PartitionLog, place: Place): TopicRecord[] {
  const { aborting } = place
  const found = committedIn({ partition, batches: batches.slice(place.kept) }, { aborted, aborting })
  batches.splice(0, batches.length - 1)
  place.kept = batches.length
  place.wasAtEnd ||= isAtEnd
  return found.map(({ key, value, headers, ...record }) => {
    const text = value?.toString() ?? ''
    return { ...record, key: key?.toString() ?? null, text, value: parsed(text), headers: Object.fromEntries(headers) }
  })
}

/** The records committed in a topic so far; waits up to `withinMs` for open transactions. */
export async function readTopic(bootstrap: string, topic: string, withinMs = 60_000): Promise<TopicRecord[]> {
  return readTopicUntil(bootstrap, topic, { withinMs, isEnough: () => false })
}

/**
 * Reads until `isEnough`, or until the current end of the topic unless `follows`: then the topic need not exist yet.
 * Rejects after `withinMs`.
 */
export async function readTopicUntil(
  bootstrap: string,
  topic: string,
  until: { isEnough(records: readonly TopicRecord[]): boolean; readonly withinMs: number; readonly follows?: true },
): Promise<TopicRecord[]> {
  const deadline = performance.now() + until.withinMs
  const records: TopicRecord[] = []
  let reader = await openTopic(bootstrap, topic)
  if (reader === undefined && until.follows !== true) throw new Error(`${topic}: no such topic`)
  while (!until.isEnough(records) && (until.follows === true || !reader?.isPastStart())) {
    if (performance.now() > deadline)
      throw new Error(`${topic}: only ${records.length} records within ${until.withinMs} ms`)
    reader ??= await openTopic(bootstrap, topic)
    if (reader === undefined) await delay(100)
    else for (const record of await reader.poll()) records.push(record)
  }
  return records
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
