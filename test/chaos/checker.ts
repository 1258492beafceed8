import { differencesFromSource } from '../support/same-as-source.ts'
import { committedRecords, type PartitionLog } from '../support/topic-log.ts'
import { type CheckpointVersion, checkpointProblems } from './checkpoint-history.ts'
import { missedChanges } from './missed-changes.ts'
import { changesAmong } from './published-again.ts'
import { parseTopicEvent, type TopicEvent } from './topic-event.ts'

/** A change of a client in the source. `instant`: ms since 1970; versions of one client increase. */
interface SourceChange {
  readonly clientId: string
  readonly version: number
  readonly instant: number
}

/** What is known about one stream without the connector. */
export interface StreamEvidence {
  readonly stream: string
  /** In the order of the source. */
  readonly changes: readonly SourceChange[]
  /** Clients that were deleted in the source for some time. */
  readonly wereAbsent: ReadonlySet<string>
  readonly logs: readonly PartitionLog[]
  /** Every version of the checkpoint that the store accepted, or may have accepted. */
  readonly checkpoints: readonly CheckpointVersion[]
}

/** The problems of a stream; texts contain ids, versions and numbers only. */
export function problemsOf(evidence: StreamEvidence): string[] {
  const { events, unreadable } = eventsOf(evidence.logs)
  const changes = changesAmong(events, evidence.checkpoints)
  const published = changes.map(({ key, partition, version }) => ({
    key,
    partition,
    value: { data: { NoVersion: version } },
  }))
  // A deleted client may not be read in its last version.
  const kept = evidence.changes.filter(({ clientId }) => !evidence.wereAbsent.has(clientId))
  const problems = [
    ...unreadable,
    ...differencesFromSource(evidence.changes, published),
    ...numberingProblems(events),
    ...evidence.logs.flatMap(fencingProblems),
    ...ownerProblems(events),
    ...missedChanges({ ...evidence, changes: kept }, changes),
    ...checkpointProblems(evidence.checkpoints),
  ]
  return problems.map((problem) => `${evidence.stream}: ${problem}`)
}

/** The committed events of a topic, ordered within each partition; how many records are tombstones. */
export function eventsOf(logs: readonly PartitionLog[]) {
  const events: TopicEvent[] = []
  let tombstones = 0
  const unreadable: string[] = []
  for (const record of logs.flatMap(committedRecords)) {
    const event = parseTopicEvent(record)
    if (event === 'tombstone') tombstones += 1
    else if (typeof event === 'string') unreadable.push(event)
    else events.push(event)
  }
  return { events, tombstones, unreadable }
}

/** `sequence` must be 0, 1, 2 … without gap or duplicate and increase within a partition; event ids must be unique. */
function numberingProblems(events: readonly TopicEvent[]): string[] {
  const problems: string[] = []
  const last = new Map<number, number>()
  for (const { partition, offset, sequence } of events) {
    if (sequence <= (last.get(partition) ?? -1))
      problems.push(`sequence ${sequence} out of order, partition ${partition} offset ${offset}`)
    last.set(partition, sequence)
  }
  const sequences = events.map(({ sequence }) => sequence).sort((one, other) => one - other)
  const wrong = sequences.findIndex((sequence, at) => sequence !== at)
  if (wrong >= 0)
    problems.push(
      `sequence ${wrong} ${sequences[wrong - 1] === sequences[wrong] ? 'follows a duplicate' : 'is missing'}`,
    )
  const ids = new Set(events.map(({ id }) => id))
  if (ids.size < events.length) problems.push(`${events.length - ids.size} duplicate event ids`)
  return problems
}

/** Within a partition, no batch (aborted or not) has an older producer epoch than a batch before it. */
function fencingProblems({ partition, batches }: PartitionLog): string[] {
  const newest = new Map<bigint, number>()
  return batches.flatMap(({ producerId, producerEpoch, firstOffset }) => {
    const before = newest.get(producerId) ?? -1
    newest.set(producerId, Math.max(before, producerEpoch))
    const where = `partition ${partition} offset ${firstOffset}`
    return producerEpoch < before ? [`${where}: epoch ${producerEpoch} of producer ${producerId} after ${before}`] : []
  })
}

/** Across partitions, in the order of `sequence`, no committed event comes from an older owner than the one before. */
function ownerProblems(events: readonly TopicEvent[]): string[] {
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
