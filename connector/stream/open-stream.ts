import {
  type CheckpointDocument,
  documentAfterCommit,
  parseDocument,
  type StreamIdentity,
} from '../checkpoint/checkpoint-document.ts'
import { mustFollow } from '../checkpoint/next-document.ts'
import { curesHold } from '../checkpoint/rewind.ts'
import {
  type CheckpointParts,
  type ClaimedDocument,
  streamCheckpoint,
  writeDocument,
} from '../checkpoint/stream-checkpoint.ts'
import { documentOfClaim, type StoredStream } from '../checkpoint/transitions.ts'
import { type Hold, mismatch, nextEventOf, validState } from '../checkpoint/valid-state.ts'
import { documentIdOf, type StreamWishes, waitingRewind } from '../checkpoint/wishes.ts'
import { type ClientTable, clientTable } from '../index/client-table.ts'
import { encodedEntriesOf } from '../index/index-state.ts'
import type { OpenedStream } from '../pipeline/delivery.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import {
  type EventPublisher,
  type KafkaState,
  type OpenOptions,
  optionsWithoutCheckpoint,
  type RepairPlan,
  type StreamProducer,
} from '../publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { Semaphore } from '../runtime/semaphore.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import type { SourceTime } from '../source/client-source.ts'
import type { Version } from '../storage/checkpoint-store.ts'

export interface OpenParts extends CheckpointParts {
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** Names the events topic. */
  readonly topic: string
  /** The stream is configured to begin at this time; a stream without a checkpoint needs it. */
  readonly beginAt: SourceTime | undefined
  /** A rewind of a history that has not ended needs these to know where that resumes. */
  readonly settings: ScanSettings
  /** With `shared`, the stream may begin in a topic that has records of other writers. */
  readonly topicUse: 'exclusive' | 'shared'
  /** Resolves when the checkpoint store is known to support conditional writes. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly wishes: StreamWishes
  readonly publisher: EventPublisher
  /** Limits how many streams are opened at the same time, since each opening needs connections and round trips. */
  readonly openLimit: Semaphore
  /** Names this replica. */
  readonly owner: string
  readonly observe: Observe
}

/** Holds what an opening has read before it fences its predecessor. */
interface VersionedStream extends StoredStream {
  /** It is null if there is no document. */
  readonly version: Version | null
  /** Whether the rewind cures a hold with this code. */
  readonly isCured: (code: ErrorCode) => boolean
}

/**
 * Opens a stream. It reads the document, then the wishes, then the index; fences the predecessor; reads the commit
 * record; resolves the valid state; repairs transactions without a marker; claims against the version that was read
 * first; and reads the wishes again. The claim applies a rewind that waits. Resolves with `paused` if nothing is left
 * to do for a paused stream. `stop` aborts as soon as the stream is assigned elsewhere: a replica without the stream
 * must not fence its owner.
 *
 * `test/simulation/model` checks this order over every interleaving. Nothing changes the document before the claim.
 */
export async function openStream(parts: OpenParts, stop: AbortSignal): Promise<OpenedStream | 'paused'> {
  using _permit = await parts.openLimit.acquire(stop)
  await parts.storeReady(stop)
  const storedStream = await readStoredStream(parts, stop)
  if (storedStream === 'paused') return storedStream
  const producer = await parts.publisher.open(openOptionsOf(storedStream), stop)
  try {
    const claimedDocument = await claimStream(parts, storedStream, producer, stop)
    // If a pause was stored before the claim, its command may have said already that nothing is published any more.
    await parts.wishes.read(stop)
    return { producer, checkpoint: streamCheckpoint(claimedDocument, parts) }
  } catch (error) {
    await producer.close()
    throw error
  }
}

/**
 * Reads the document, then the wishes, then the index, unless nothing is left to do for a paused stream. Rejects with
 * `checkpoint.*`, `storage.*` or the reason of `stop`.
 */
async function readStoredStream(parts: OpenParts, stop: AbortSignal): Promise<VersionedStream | 'paused'> {
  const { identity, topic, object, wishes, indexCache } = parts
  const stored = await object.read(stop)
  const { paused, rewind } = await wishes.read(stop)
  const version = stored?.version ?? null
  const documentId = documentIdOf(stored)
  const isCured = (code: ErrorCode) => rewind !== null && curesHold(rewind, code, documentId)
  let document: CheckpointDocument | undefined
  const versionedStream = (table: ClientTable, isLost: boolean): VersionedStream => {
    return { version, document, table, rewind: waitingRewind(document, wishes.current()), isCured, isLost }
  }
  try {
    document = stored && parseDocument(stored.text)
    const difference = document && mismatch(document, { ...identity, destination: { clusterId: null, topic } })
    // The wrong stream, cluster or topic is found before anything is fenced or created.
    if (difference !== undefined) throw holdError(difference)
    await wishes.clear(document?.appliedRewind ?? null, stop)
    const isSettled = document === undefined || (document.claim.owner === null && document.pending === null)
    if (paused && waitingRewind(document, wishes.current()) === undefined && isSettled) return 'paused'
    if (document === undefined) return versionedStream(clientTable(), false)
    const { nonce, committed } = document
    return versionedStream(await indexCache.load({ nonce, index: committed.state.index }, stop), false)
  } catch (error) {
    // A replica that has claimed the stream since may have deleted a segment: then the opening starts over.
    if (codeOf(error) === 'checkpoint.index-damaged') await mustNotHaveMoved(parts, version, stop)
    if (!isCured(codeOf(error))) throw error
    return versionedStream(clientTable(), true)
  }
}

/**
 * Returns what Kafka must still have of the stream: nothing, if a rewind replaces a document of another cluster or of a
 * lost topic.
 */
function openOptionsOf({ document, isCured }: VersionedStream): OpenOptions {
  if (document === undefined || isCured('checkpoint.topic-lost')) return optionsWithoutCheckpoint
  const { clusterId } = document.destination
  return { ...optionsWithoutCheckpoint, hasPublished: nextEventOf(document) > 0, clusterId }
}

/**
 * Resolves the valid state by the commit record, repairs transactions without a marker, and claims the stream, with the
 * rewind that waits. Rejects with `checkpoint.*`, `publish.*` or `storage.*`.
 *
 * The claim is a conditional write against the version that was read *before* the fence. With a version read after it:
 *   1. We read version 7, fence the predecessor, and stall.
 *   2. Another replica opens the stream: it fences us, claims with version 8, prepares 9, and commits its transaction.
 *   3. We wake up, read version 9, and write our claim against it, with the state of version 7.
 *   4. State 9 is overwritten although its events are published. The next opening finds a commit record that is newer
 *      than all in the document, and holds the stream.
 * Against version 7, the write of step 3 meets another version, and this opening starts over
 * (docs/decisions/20261125-opening-a-stream.md).
 */
async function claimStream(
  parts: OpenParts,
  storedStream: VersionedStream,
  producer: StreamProducer,
  stop: AbortSignal,
): Promise<ClaimedDocument> {
  const { document: before, version: expected } = storedStream
  const { clock, beginAt, settings, owner } = parts
  const { producerId } = producer
  const kafkaState = await producer.readKafkaState({ formerProducerId: before?.producerId ?? null }, stop)
  const verdict = validStateOf(parts, storedStream, kafkaState)
  if (verdict.kind === 'hold' && !storedStream.isCured(verdict.code)) {
    await mustNotHaveMoved(parts, expected, stop)
    throw holdError(verdict)
  }
  const outcome = verdict.kind === 'pending' ? 'committed' : 'aborted'
  await repairStream(parts, { storedStream, producer, hangingTransactions: kafkaState.openTransactions, outcome }, stop)
  const destination = { ...kafkaState.destination, firstPartitions: firstPartitionsOf(before, kafkaState) }
  const identity = { ...parts.identity, destination }
  const claimant = { nonce: parts.newNonce(), at: clock.now(), owner, producerId, identity }
  // The table changes before the claim is stored. Openings that fail before this line leave it as it is.
  parts.indexCache.forget()
  const document = documentOfClaim(
    { ...storedStream, verdict, foundRecord: kafkaState.foundRecord, beginAt, settings },
    claimant,
  )
  const isNewIndex = before?.committed.state.index.generation !== document.committed.state.index.generation
  const table = isNewIndex ? clientTable() : storedStream.table
  table.setAll(encodedEntriesOf(document.committed.state.index.delta))
  if (before !== undefined) {
    const resolvedDocument = verdict.kind === 'pending' ? documentAfterCommit(before) : before
    mustFollow(isNewIndex ? 'claim with a new index' : 'claim', resolvedDocument, document)
  }
  const version = await writeDocument(parts, { document, expected }, stop)
  if (version === undefined) throw conflictError()
  observeClaim(parts, before, document)
  return { document, version, table }
}

/**
 * Returns how many partitions the topic had when this stream began in it; null if records may be in one that had fewer.
 */
function firstPartitionsOf(
  before: CheckpointDocument | undefined,
  { destination, isTopicEmpty }: KafkaState,
): number | null {
  if (before?.destination.topicId === destination.topicId) return before.destination.firstPartitions
  return isTopicEmpty ? destination.partitions : null
}

/** Returns which state is valid, or why the stream is held. The previous producers must be fenced. */
function validStateOf({ identity, clock, topicUse }: OpenParts, { document }: VersionedStream, kafkaState: KafkaState) {
  const { foundRecord, isTopicEmpty, destination } = kafkaState
  const difference = document && mismatch(document, { ...identity, destination })
  return (
    difference ??
    validState(document, { foundRecord, mayBegin: isTopicEmpty || topicUse === 'shared', now: clock.now() })
  )
}

/**
 * Ends transactions without a marker, before anything is published. Invariants 1 and 2: the events of such a
 * transaction were sent after their state was prepared. So it is committed if `pending` is valid, and aborted otherwise
 * (docs/decisions/20261126-recovery.md).
 */
async function repairStream(
  parts: OpenParts,
  {
    storedStream,
    producer,
    hangingTransactions,
    outcome,
  }: RepairPlan & { readonly storedStream: VersionedStream; readonly producer: StreamProducer },
  stop: AbortSignal,
) {
  const ofFormerProducers = hangingTransactions.filter(({ producerId }) => producerId !== producer.producerId)
  if (ofFormerProducers.length > 0) throw hangingTransactionError({ hangingTransactions: ofFormerProducers, outcome })
  if (hangingTransactions.length === 0) return
  // If the document was replaced, the open transaction may be that of the new one.
  await mustNotHaveMoved(parts, storedStream.version, stop)
  await producer.repairTransactions({ hangingTransactions, outcome }, stop)
  parts.observe({ kind: 'transactions-repaired', partitions: hangingTransactions.length, as: outcome })
}

/** Returns the error for a transaction of an older producer id: our producer cannot end it. */
function hangingTransactionError({ hangingTransactions, outcome }: RepairPlan) {
  const places = hangingTransactions.map(
    ({ topic, partition, startOffset }) => `${topic} partition ${partition} offset ${startOffset}`,
  )
  // Invariants 1, 2: the abort of a decided transaction would withdraw events that count as published.
  const cure = outcome === 'committed' ? 'it was decided, commit it' : 'it was not decided, abort it'
  return new ConnectorError(
    'publish.hanging-transaction',
    `open stream: hanging transaction of the former producer id ${hangingTransactions[0]?.producerId} in ${places.join(', ')}: ${cure}`,
  )
}

function observeClaim(
  { observe, owner }: OpenParts,
  before: CheckpointDocument | undefined,
  after: CheckpointDocument,
) {
  const { seq, state } = after.committed
  const { epoch } = after.claim
  const { history } = state.scans
  const isNew = before === undefined
  observe({ kind: 'stream-claimed', epoch, seq, history: history.state, isNew, nextEvent: state.nextEvent })
  if (isNew) return
  const { owner: from } = before.claim
  if (from !== null && from !== owner) observe({ kind: 'taken-over', from, epoch })
  if (before.source.url !== after.source.url) observe({ kind: 'source-moved' })
  const { partitions: formerPartitions } = before.destination
  const { partitions } = after.destination
  if (formerPartitions < partitions) observe({ kind: 'partitions-grown', from: formerPartitions, to: partitions })
}

const holdError = ({ code, why }: Hold) => new ConnectorError(code, `open stream: ${why}`)

/**
 * Reads the document again, and rejects with `checkpoint.conflict` if it was replaced. Without this, a predecessor that
 * still runs would look like a lost document:
 *   1. We read version 7.
 *   2. The predecessor stores version 8, and commits its transaction.
 *   3. We fence the predecessor.
 *   4. We read the commit record of version 8. It is newer than all in version 7, so the table says `rolled-back`.
 * Version 8 shows that nothing is lost: the opening starts over (docs/decisions/20261125-opening-a-stream.md).
 */
async function mustNotHaveMoved({ object }: OpenParts, version: Version | null, stop: AbortSignal) {
  const current = await object.read(stop)
  if ((current?.version ?? null) !== version) throw conflictError()
}

const conflictError = () =>
  new ConnectorError('checkpoint.conflict', 'open stream: another process wrote the checkpoint at the same time')
