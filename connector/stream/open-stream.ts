import {
  type CheckpointDocument,
  documentAfterCommit,
  parseDocument,
  type StreamIdentity,
} from '../checkpoint/checkpoint-document.ts'
import { mustFollow } from '../checkpoint/next-document.ts'
import { cures } from '../checkpoint/rewind.ts'
import { type CheckpointParts, type Claim, streamCheckpoint, writeDocument } from '../checkpoint/stream-checkpoint.ts'
import { documentOfClaim, type StoredStream } from '../checkpoint/transitions.ts'
import { type Hold, mismatch, nextEventOf, validState } from '../checkpoint/valid-state.ts'
import { documentIdOf, type StreamWishes, waitingRewind } from '../checkpoint/wishes.ts'
import { type ClientTable, clientTable } from '../index/client-table.ts'
import { deltaWords } from '../index/index-state.ts'
import type { OpenStream } from '../pipeline/delivery.ts'
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
  /** The name of the events topic. */
  readonly topic: string
  /** The stream's configured beginning; a stream without a checkpoint needs one. */
  readonly beginAt: SourceTime | undefined
  /** How the stream is read: a rewind of a history that has not ended needs to know where that resumes. */
  readonly settings: ScanSettings
  /** `shared`: the stream may start in a topic that has records of other writers. */
  readonly topicUse: 'exclusive' | 'shared'
  /** Resolves when the checkpoint store is known to support conditional writes. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly wishes: StreamWishes
  readonly publisher: EventPublisher
  /** Limits concurrent openings: each needs connections and round trips. */
  readonly openLimit: Semaphore
  /** The name of this replica. */
  readonly owner: string
  readonly observe: Observe
}

/** What an opening has read before it fences its predecessor. */
interface VersionedStream extends StoredStream {
  /** Null: there is no document. */
  readonly version: Version | null
  /** Whether the rewind cures a hold with this code. */
  readonly isCured: (code: ErrorCode) => boolean
}

/**
 * Opens a stream: read the document, then the wishes, then the index → fence → read the commit record → resolve → repair
 * transactions without a marker → claim against the version read first → look at the wishes again. The claim applies a
 * rewind that waits. `stop` aborts as soon as the stream is assigned elsewhere: such a replica must not fence its owner.
 * `paused`: nothing is left to do for a paused stream.
 *
 * `test/simulation` checks this order over every interleaving. The document is not changed before the claim.
 */
export async function openStream(parts: OpenParts, stop: AbortSignal): Promise<OpenStream | 'paused'> {
  using _permit = await parts.openLimit.acquire(stop)
  await parts.storeReady(stop)
  const read = await readStoredStream(parts, stop)
  if (read === 'paused') return read
  const producer = await parts.publisher.open(openOptionsOf(read), stop)
  try {
    const claim = await claimStream(parts, read, producer, stop)
    // A pause that was stored before the claim may be reported already: then nothing may be published.
    await parts.wishes.read(stop)
    return { producer, checkpoint: streamCheckpoint(claim, parts) }
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
  const { identity, topic, object, wishes, index } = parts
  const stored = await object.read(stop)
  const { paused, rewind } = await wishes.read(stop)
  const version = stored?.version ?? null
  const seen = documentIdOf(stored)
  const isCured = (code: ErrorCode) => rewind !== null && cures(rewind, code, seen)
  let document: CheckpointDocument | undefined
  const read = (table: ClientTable, isLost: boolean): VersionedStream => {
    return { version, document, table, rewind: waitingRewind(document, wishes.current()), isCured, isLost }
  }
  try {
    document = stored && parseDocument(stored.text)
    const wrong = document && mismatch(document, { ...identity, destination: { clusterId: null, topic } })
    if (wrong !== undefined) throw holdError(wrong) // before anything is fenced or created
    await wishes.clear(document?.rewound ?? null, stop)
    const isSettled = document === undefined || (document.claim.owner === null && document.pending === null)
    if (paused && waitingRewind(document, wishes.current()) === undefined && isSettled) return 'paused'
    if (document === undefined) return read(clientTable(), false)
    const { nonce, committed } = document
    return read(await index.load({ nonce, index: committed.state.index }, stop), false)
  } catch (error) {
    // A segment may have been deleted by a replica that claimed the stream since: then the opening starts over.
    if (codeOf(error) === 'checkpoint.index-damaged') await mustNotHaveMoved(parts, version, stop)
    if (!isCured(codeOf(error))) throw error
    return read(clientTable(), true)
  }
}

/** What a rewind replaces may be in another cluster, and its topic lost. */
function openOptionsOf({ document, isCured }: VersionedStream): OpenOptions {
  if (document === undefined || isCured('checkpoint.topic-lost')) return optionsWithoutCheckpoint
  const { clusterId } = document.destination
  return { ...optionsWithoutCheckpoint, hasPublished: nextEventOf(document) > 0, clusterId }
}

/**
 * Resolves the valid state by the commit record, repairs transactions without a marker, and claims the stream: against the
 * version that was read, with the rewind that waits. Rejects with `checkpoint.*`, `publish.*` or `storage.*`.
 */
async function claimStream(
  parts: OpenParts,
  read: VersionedStream,
  producer: StreamProducer,
  stop: AbortSignal,
): Promise<Claim> {
  const { document: before, version: expected } = read
  const { clock, beginAt, settings, owner } = parts
  const { producerId } = producer
  const kafka = await producer.readKafkaState({ formerProducerId: before?.producerId ?? null }, stop)
  const valid = validStateOf(parts, read, kafka)
  if (valid.kind === 'hold' && !read.isCured(valid.code)) {
    await mustNotHaveMoved(parts, expected, stop)
    throw holdError(valid)
  }
  const as = valid.kind === 'pending' ? 'committed' : 'aborted'
  await repairStream(parts, { read, producer, hanging: kafka.open, as }, stop)
  const destination = { ...kafka.destination, firstPartitions: firstPartitionsOf(before, kafka) }
  const identity = { ...parts.identity, destination }
  const claimant = { nonce: parts.newNonce(), at: clock.now(), owner, producerId, identity }
  // The table changes before the claim is stored. Openings that fail sooner leave it as it is.
  parts.index.forget()
  const document = documentOfClaim({ ...read, valid, found: kafka.found, beginAt, settings }, claimant)
  const isNewIndex = before?.committed.state.index.generation !== document.committed.state.index.generation
  const table = isNewIndex ? clientTable() : read.table
  table.setAll(deltaWords(document.committed.state.index.delta))
  if (before !== undefined) {
    const decided = valid.kind === 'pending' ? documentAfterCommit(before) : before
    mustFollow(isNewIndex ? 'claim with a new index' : 'claim', decided, document)
  }
  const version = await writeDocument(parts, { document, expected }, stop)
  if (version === undefined) throw conflictError()
  observeClaim(parts, before, document)
  return { document, version, table }
}

/** With how many partitions the topic began for this stream; null: records may be in a topic that had fewer. */
function firstPartitionsOf(
  before: CheckpointDocument | undefined,
  { destination, isEmpty }: KafkaState,
): number | null {
  if (before?.destination.topicId === destination.topicId) return before.destination.firstPartitions
  return isEmpty ? destination.partitions : null
}

/** Which state is valid, once the previous producers are fenced. */
function validStateOf({ identity, clock, topicUse }: OpenParts, { document }: VersionedStream, kafka: KafkaState) {
  const { found, isEmpty, destination } = kafka
  const wrong = document && mismatch(document, { ...identity, destination })
  return wrong ?? validState(document, { found, mayBegin: isEmpty || topicUse === 'shared', now: clock.now() })
}

/**
 * Runs before anything is published. Invariants 1 and 2: what is open has lost its markers; its events were sent after
 * their state was prepared, so it is committed if `pending` is valid, and aborted else.
 */
async function repairStream(
  parts: OpenParts,
  { read, producer, hanging, as }: RepairPlan & { readonly read: VersionedStream; readonly producer: StreamProducer },
  stop: AbortSignal,
): Promise<void> {
  const former = hanging.filter(({ producerId }) => producerId !== producer.producerId)
  if (former.length > 0) throw hangingTransactionError(former, as)
  if (hanging.length === 0) return
  await mustNotHaveMoved(parts, read.version, stop) // the transaction may be that of its successor
  await producer.repairTransactions({ hanging, as }, stop)
  parts.observe({ kind: 'transactions-repaired', partitions: hanging.length, as })
}

/** A producer with another id cannot end it. */
function hangingTransactionError(hanging: RepairPlan['hanging'], as: RepairPlan['as']): ConnectorError {
  const places = hanging.map(
    ({ topic, partition, startOffset }) => `${topic} partition ${partition} offset ${startOffset}`,
  )
  // Invariants 1, 2: an abort of a decided transaction would withdraw events that count as published.
  const cure = as === 'committed' ? 'it was decided, commit it' : 'it was not decided, abort it'
  return new ConnectorError(
    'publish.hanging-transaction',
    `open stream: hanging transaction of the former producer id ${hanging[0]?.producerId} in ${places.join(', ')}: ${cure}`,
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
  const { partitions: known } = before.destination
  const { partitions } = after.destination
  if (known < partitions) observe({ kind: 'partitions-grown', from: known, to: partitions })
}

const holdError = ({ code, why }: Hold) => new ConnectorError(code, `open stream: ${why}`)

/** Re-read first: a predecessor may have replaced the document just before it was fenced. */
async function mustNotHaveMoved({ object }: OpenParts, version: Version | null, stop: AbortSignal) {
  const now = await object.read(stop)
  if ((now?.version ?? null) !== version) throw conflictError()
}

const conflictError = () =>
  new ConnectorError('checkpoint.conflict', 'open stream: another process wrote the checkpoint at the same time')
