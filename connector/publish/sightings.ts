import { ConnectorError } from '../runtime/connector-error.ts'
import type { LookBack, Mark, Sightings } from './event-publisher.ts'
import type { AdminParts } from './kafka-session.ts'
import type { FetchedRecord } from './kafkajs/kafka-cluster.ts'
import type { TopicLayout } from './outgoing-batches.ts'
import { END, fetchFrom, type LedPartitions, offsetsOf, onLeaders } from './read-partitions.ts'

/** Reads the topic from a time on, and tells which marks it met. Rejects like `onLeaders`. */
export async function readSightings(
  parts: AdminParts,
  { topic, since, markOf }: LookBack & { topic: TopicLayout },
  stop: AbortSignal,
): Promise<Sightings> {
  const operation = `look for decided events in ${topic.topic}`
  const work = async (led: LedPartitions) => await sightingsIn(led, { since, markOf })
  const found = await onLeaders(parts, { operation, topic, work }, stop)
  const [visible, hanging] = [found.filter(isVisible), found.filter((one) => !isVisible(one))]
  return new Map([...hanging, ...visible])
}

type Sighting = readonly [Mark, 'visible' | 'hanging']
const isVisible = ([, how]: Sighting) => how === 'visible'

async function sightingsIn(led: LedPartitions, { since, markOf }: LookBack): Promise<Sighting[]> {
  const ends = await offsetsOf(led, { isolationLevel: 0, timestamp: END })
  let from = await offsetsOf(led, { isolationLevel: 0, timestamp: since })
  const sighted = new Map([...from.keys()].map((partition) => [partition, marksOf(markOf)]))
  while (from.size > 0) {
    const read = new Map<number, bigint>()
    for (const { partition, messages } of await fetchFrom(led, from)) {
      for (const record of messages) sighted.get(partition)?.add(record)
      const last = messages.at(-1)
      if (last !== undefined) read.set(partition, BigInt(last.offset) + 1n)
    }
    if (read.size === 0) throw new ConnectorError('publish.failed', `read ${led.topic}: nothing came`)
    const left = [...from].map(([partition, offset]) => [partition, read.get(partition) ?? offset] as const)
    from = new Map(left.filter(([partition, offset]) => offset < (ends.get(partition) ?? 0n)))
  }
  return [...sighted.values()].flatMap((marks) => marks.all())
}

/** Of one partition: what is decided by the end that its producer wrote after it. */
function marksOf(markOf: (value: string) => Mark | undefined) {
  const open = new Map<string, Set<Mark>>()
  const visible = new Set<Mark>()
  return {
    add: ({ isControlRecord, key, value, batchContext }: FetchedRecord) => {
      const { producerId, inTransaction } = batchContext
      if (isControlRecord) {
        if (isCommit(key)) for (const mark of open.get(producerId) ?? []) visible.add(mark)
        open.delete(producerId)
        return
      }
      const mark = markOf(value?.toString() ?? '')
      if (mark === undefined) return
      if (!inTransaction) visible.add(mark)
      else open.set(producerId, (open.get(producerId) ?? new Set()).add(mark))
    },
    all: (): Sighting[] => [
      ...[...open.values()].flatMap((marks) => [...marks].map((mark) => [mark, 'hanging'] as const)),
      ...[...visible].map((mark) => [mark, 'visible'] as const),
    ],
  }
}

/** The key of an end: its version and its kind, two bytes each. */
const isCommit = (key: Buffer | null) => key !== null && key.length >= 4 && key.readInt16BE(2) === 1
