import type { Destination, FoundRecord, RecordKey } from '../publish/event-publisher.ts'
import { DAY_MS } from '../runtime/clock.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { CheckpointDocument, CommittedPart, PendingPart, StreamIdentity } from './checkpoint-document.ts'

/**
 * Holds what decides which state of a stored document is valid. Each state has the key of its commit record, which is a
 * group offset with metadata, not a message in a topic.
 */
export interface StoredStates {
  readonly committed: Pick<CommittedPart, keyof RecordKey | 'at' | 'expectsRecord'>
  readonly pending: Pick<PendingPart, keyof RecordKey | 'at'> | null
}

/** Holds what an opening knows of a stream beside its document. */
export interface StreamFacts {
  readonly foundRecord: FoundRecord
  /** Whether the topic is empty, or may have records of other writers by configuration. */
  readonly mayBegin: boolean
  /** This time is in ms since 1970. */
  readonly now: number
}

/** Says which state is valid, or why none is. */
export type ValidState =
  | { readonly kind: 'new' | 'pending' }
  /** `recordFound` says whether its commit record was found. */
  | { readonly kind: 'committed'; readonly recordFound: boolean }
  | { readonly kind: 'hold'; readonly code: ErrorCode; readonly why: string }

/**
 * Determines the valid state by the table of docs/decisions/20261126-recovery.md, row by row. The topic is never read
 * for it. Invariant 2: the commit record becomes visible together with the events, or not at all. This function is
 * pure.
 */
export function validState(states: StoredStates | undefined, { foundRecord, mayBegin, now }: StreamFacts): ValidState {
  if (states === undefined) {
    if (foundRecord.kind !== 'none')
      return hold('checkpoint.damaged', 'the checkpoint document is missing, but Kafka has a commit record')
    return mayBegin
      ? { kind: 'new' }
      : hold('checkpoint.topic-in-use', 'there is no checkpoint, but the topic has records')
  }
  return foundRecord.kind === 'record'
    ? validStateByRecord(states, foundRecord.record)
    : validStateWithoutRecord(states, foundRecord.kind, now)
}

function validStateByRecord({ committed, pending }: StoredStates, record: RecordKey): ValidState {
  if (pending !== null && isSameRecord(record, pending)) return { kind: 'pending' }
  if (isSameRecord(record, committed)) return { kind: 'committed', recordFound: true }
  if (!isOlderRecord(record, committed))
    return hold(
      'checkpoint.rolled-back',
      'the commit record in Kafka is of neither state of the document, and not older',
    )
  return committed.expectsRecord
    ? hold('checkpoint.events-lost', 'the commit record in Kafka is older than the committed state')
    : { kind: 'committed', recordFound: false }
}

/** Commit records are ordered by epoch, then by seq. */
const isOlderRecord = (one: RecordKey, other: RecordKey) =>
  one.epoch < other.epoch || (one.epoch === other.epoch && one.seq < other.seq)

const isSameRecord = (one: RecordKey, other: RecordKey) =>
  one.epoch === other.epoch && one.seq === other.seq && one.nonce === other.nonce

function validStateWithoutRecord(
  { committed, pending }: StoredStates,
  absence: 'none' | 'unstable',
  now: number,
): ValidState {
  if (pending === null) return { kind: 'committed', recordFound: false }
  if (absence === 'unstable')
    return hold('checkpoint.undecided', 'the commit record has lost its transaction marker, and a state is pending')
  // Kafka keeps commit records for at least a day; the clocks of two replicas differ by much less.
  const isOld = ({ at }: { at: number }) => now - at >= DAY_MS
  // `pending` is younger than a day: had it been committed, Kafka would still have its commit record. The commit record
  // of `committed` is missing too, but that does not prove a loss: either it is not expected, or it is so old that
  // Kafka may have removed it.
  if ((!committed.expectsRecord || isOld(committed)) && !isOld(pending))
    return { kind: 'committed', recordFound: false }
  return hold('checkpoint.undecided', 'Kafka has no commit record, and a state is pending')
}

export type Hold = Extract<ValidState, { kind: 'hold' }>

const hold = (code: ErrorCode, why: string): Hold => ({ kind: 'hold', code, why })

/**
 * Identifies a stream as far as it is known. If the topic was not read, only its cluster and its configured name are
 * known.
 */
export interface IdentityToCompare extends Omit<StreamIdentity, 'destination'> {
  readonly destination: Destination | Pick<Destination, 'clusterId' | 'topic'>
}

/**
 * Checks that the document belongs to this stream. Another stream, source, cluster or topic is a mismatch; a new URL or
 * more partitions are not. This function is pure.
 */
export function mismatch(document: CheckpointDocument, identity: IdentityToCompare): Hold | undefined {
  const { source, destination } = identity
  const { clusterId, topic } = document.destination
  const comparisons: readonly [ErrorCode, string, string | number | null, string | number | null][] = [
    ['checkpoint.other-stream', 'connector', document.connector, identity.connector],
    ['checkpoint.other-stream', 'stream', document.stream, identity.stream],
    ['checkpoint.other-stream', 'codeMagasin', document.source.codeMagasin, source.codeMagasin],
    ['checkpoint.other-stream', 'prefixCle', document.source.prefixCle, source.prefixCle],
    // If one of the cluster ids is unknown, only the topic id is compared.
    ['checkpoint.topic-lost', 'Kafka cluster', clusterId ?? destination.clusterId, destination.clusterId ?? clusterId],
    ['checkpoint.topic-lost', 'topic', topic, destination.topic],
  ]
  const difference = comparisons.find(([, , stored, current]) => stored !== current)
  if (difference === undefined) return 'topicId' in destination ? mismatchOfTopic(document, destination) : undefined
  const [code, field, stored, current] = difference
  return hold(code, `the document belongs to ${field} ${stored ?? '(none)'}, not to ${current ?? '(none)'}`)
}

/** A topic may be deleted and created again as long as this stream has published nothing to it. */
function mismatchOfTopic(document: CheckpointDocument, currentDestination: Destination): Hold | undefined {
  const { topic, topicId, partitions } = document.destination
  const isSameTopic = topicId === currentDestination.topicId && partitions <= currentDestination.partitions
  if (isSameTopic || nextEventOf(document) === 0) return undefined
  const ids = `before: id ${topicId} and ${partitions} partitions; now: id ${currentDestination.topicId} and ${currentDestination.partitions} partitions`
  const why = `topic ${topic} was deleted and created again (${ids}); the events published to it are lost`
  return hold('checkpoint.topic-lost', why)
}

/** Returns the number of the next event of the stream, after the pending transaction if there is one. */
export function nextEventOf({ committed, pending }: CheckpointDocument): number {
  return Math.max(committed.state.nextEvent, pending?.change.nextEvent ?? 0)
}
