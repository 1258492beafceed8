import { differencesFromSource } from '../support/same-as-source.ts'
import { type CheckpointVersion, checkpointProblems } from './checkpoint-history.ts'
import { passedOver } from './passed-over.ts'
import { type ToldEvent, toldEvent } from './told-event.ts'
import { committedRecords, type PartitionLog } from './topic-log.ts'

/** `modified`: wall clock of the server; the versions of a client grow. */
interface SourceChange {
  readonly clientId: string
  readonly version: number
  readonly modified: string
}

/** Everything that is known of one stream from outside of the connector. */
export interface StreamEvidence {
  readonly stream: string
  /** What the source did, in its order. */
  readonly changes: readonly SourceChange[]
  /** The logs of the topic's partitions. */
  readonly logs: readonly PartitionLog[]
  /** Every version of the checkpoint that the store took. */
  readonly checkpoints: readonly CheckpointVersion[]
  /** By so much a drain begins before the one before it began. */
  readonly overlapMs: number
}

/** What is wrong with a stream, in ids, versions and numbers only; nothing is right. */
export function problemsOf(evidence: StreamEvidence): string[] {
  const { events, unreadable } = eventsOf(evidence.logs)
  const told = events.map(({ key, partition, version }) => ({
    key,
    partition,
    value: { data: { NoVersion: version } },
  }))
  const problems = [
    ...unreadable,
    ...differencesFromSource(evidence.changes, told),
    ...numberingProblems(events),
    ...evidence.logs.flatMap(fencingProblems),
    ...ownerProblems(events),
    ...passedOver(evidence, events),
    ...checkpointProblems(evidence.checkpoints),
  ]
  return problems.map((problem) => `${evidence.stream}: ${problem}`)
}

/** The committed events of a topic, each partition in its order. */
export function eventsOf(logs: readonly PartitionLog[]): { events: ToldEvent[]; unreadable: string[] } {
  const events: ToldEvent[] = []
  const unreadable: string[] = []
  for (const record of logs.flatMap(committedRecords)) {
    const event = toldEvent(record)
    if (typeof event === 'string') unreadable.push(event)
    else events.push(event)
  }
  return { events, unreadable }
}

/** `sequence` is 0, 1, 2 … without a gap or a repeat and grows within each partition; no event id comes twice. */
function numberingProblems(events: readonly ToldEvent[]): string[] {
  const problems: string[] = []
  const last = new Map<number, number>()
  for (const { partition, offset, sequence } of events) {
    if (sequence <= (last.get(partition) ?? -1))
      problems.push(`sequence ${sequence} too late, partition ${partition} offset ${offset}`)
    last.set(partition, sequence)
  }
  const sequences = events.map(({ sequence }) => sequence).sort((one, other) => one - other)
  const wrong = sequences.findIndex((sequence, at) => sequence !== at)
  if (wrong >= 0)
    problems.push(`sequence ${wrong} ${sequences[wrong - 1] === sequences[wrong] ? 'follows a repeat' : 'is missing'}`)
  const ids = new Set(events.map(({ id }) => id))
  if (ids.size < events.length) problems.push(`${events.length - ids.size} event ids come again`)
  return problems
}

/** Once a newer epoch of a producer has written to a partition, aborted or not, an older one never does. */
function fencingProblems({ partition, batches }: PartitionLog): string[] {
  const newest = new Map<bigint, number>()
  return batches.flatMap(({ producerId, producerEpoch, firstOffset }) => {
    const before = newest.get(producerId) ?? -1
    newest.set(producerId, Math.max(before, producerEpoch))
    const where = `partition ${partition} offset ${firstOffset}`
    return producerEpoch < before ? [`${where}: epoch ${producerEpoch} of producer ${producerId} after ${before}`] : []
  })
}

/** Across partitions: in the order of their numbers, committed events come from ever newer owners. */
function ownerProblems(events: readonly ToldEvent[]): string[] {
  const ordered = events.toSorted((one, other) => one.sequence - other.sequence)
  const generations = [...new Set(ordered.map(({ producerId }) => producerId))]
  return ordered.flatMap((event, at) => {
    const before = ordered[at - 1] ?? event
    const isOlder =
      event.producerId === before.producerId
        ? event.producerEpoch < before.producerEpoch
        : generations.indexOf(event.producerId) < generations.indexOf(before.producerId)
    if (!isOlder) return []
    return [`event ${event.sequence} by a fenced owner (epoch ${event.producerEpoch} after ${before.producerEpoch})`]
  })
}
