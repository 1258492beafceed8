import { ConnectorError } from '../runtime/connector-error.ts'
import type { LookBack, Mark, Sightings } from './event-publisher.ts'
import type { AdminParts } from './kafka-session.ts'
import type { FetchedRecord } from './kafkajs/kafka-cluster.ts'
import type { TopicLayout } from './outgoing-batches.ts'
import { END, fetchFrom, type LedPartitions, offsetsOf, onLeaders } from './read-partitions.ts'

/** Reads the topic from a time on, and tells which marks it met; a second try goes on where the first one was broken off. Rejects like `onLeaders`. */
export async function readSightings(
  parts: AdminParts,
  { topic, since, markOf }: LookBack & { topic: TopicLayout },
  stop: AbortSignal,
): Promise<Sightings> {
  const operation = `look for decided events in ${topic.topic}`
  const readings = new Map<number, Reading>()
  const work = async (led: LedPartitions) => {
    await readOn(await readingsOf(led, since, readings), led, markOf)
    return []
  }
  await onLeaders(parts, { operation, topic, work }, stop)
  const all = [...readings.values()]
  const hanging = all.flatMap(({ open }) => [...open.values()]).flatMap((marks) => [...marks])
  const visible = all.flatMap((reading) => [...reading.visible])
  return new Map([
    ...hanging.map((mark) => [mark, 'hanging'] as const),
    ...visible.map((mark) => [mark, 'visible'] as const),
  ])
}

/** What is read of a partition, and what was met in it. */
interface Reading {
  next: bigint
  readonly end: bigint
  /** By producer: what has no end yet. */
  readonly open: Map<string, Set<Mark>>
  readonly visible: Set<Mark>
}

async function readingsOf(
  led: LedPartitions,
  since: number,
  known: Map<number, Reading>,
): Promise<Map<number, Reading>> {
  const fresh = { ...led, partitions: led.partitions.filter((partition) => !known.has(partition)) }
  if (fresh.partitions.length > 0) {
    const ends = await offsetsOf(fresh, { isolationLevel: 0, timestamp: END })
    const starts = await offsetsOf(fresh, { isolationLevel: 0, timestamp: since })
    for (const [partition, end] of ends)
      known.set(partition, { next: starts.get(partition) ?? end, end, open: new Map(), visible: new Set() })
  }
  return new Map([...known].filter(([partition]) => led.partitions.includes(partition)))
}

async function readOn(readings: Map<number, Reading>, led: LedPartitions, markOf: LookBack['markOf']): Promise<void> {
  for (;;) {
    const left = [...readings].filter(([, { next, end }]) => next < end)
    if (left.length === 0) return
    const answer = await fetchFrom(led, new Map(left.map(([partition, { next }]) => [partition, next])))
    const read = answer.filter(({ messages }) => messages.length > 0)
    if (read.length === 0) throw new ConnectorError('publish.failed', `read ${led.topic}: nothing came`)
    for (const { partition, messages } of read) {
      const reading = readings.get(partition)
      if (reading === undefined) continue
      for (const record of messages) meet(reading, record, markOf)
      reading.next = BigInt(messages.at(-1)?.offset ?? 0) + 1n
    }
  }
}

/** Of what a producer wrote, the next end that it writes decides. */
function meet({ open, visible }: Reading, record: FetchedRecord, markOf: LookBack['markOf']): void {
  const { producerId, inTransaction } = record.batchContext
  if (record.isControlRecord) {
    if (isCommit(record.key)) for (const mark of open.get(producerId) ?? []) visible.add(mark)
    open.delete(producerId)
    return
  }
  const mark = markOf(record.value?.toString() ?? '')
  if (mark === undefined) return
  if (!inTransaction) visible.add(mark)
  else open.set(producerId, (open.get(producerId) ?? new Set()).add(mark))
}

/** The key of an end: its version and its kind, two bytes each. */
const isCommit = (key: Buffer | null) => key !== null && key.length >= 4 && key.readInt16BE(2) === 1
