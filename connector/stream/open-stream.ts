import type { CheckpointDocument } from '../checkpoint/checkpoint-document.ts'
import { type Claim, streamCheckpoint, writeDocument } from '../checkpoint/stream-checkpoint.ts'
import { claimed } from '../checkpoint/transitions.ts'
import { mismatch, publishedEvents, validState } from '../checkpoint/valid-state.ts'
import { clientTable } from '../index/client-table.ts'
import { deltaWords } from '../index/index-state.ts'
import type { OpenStream } from '../pipeline/delivery.ts'
import {
  type KafkaState,
  type OpenOptions,
  type OpenTransaction,
  type StreamProducer,
  withoutCheckpoint,
} from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import {
  conflict,
  mustNotHaveMoved,
  type OpenParts,
  type PausedStream,
  type ReadStored,
  readStored,
} from './read-stored.ts'

/**
 * Opens a stream: check the assignment → read the document, then the wishes, then the index → fence → read the commit
 * record → resolve → repair transactions without a marker → claim against the version read first → check the assignment
 * again. The claim applies a rewind that waits.
 *
 * `test/simulation` checks this order over every interleaving. The document is not changed before the claim.
 */
export async function openStream(parts: OpenParts, stop: AbortSignal): Promise<OpenStream | PausedStream> {
  using _permit = await parts.openLimit.acquire(stop)
  mustBeAssigned(parts) // before fencing: a replica that has or may have lost the stream must not fence its owner
  await parts.storeReady(stop)
  const read = await readStored(parts, stop)
  if ('pausedAt' in read) return read
  const producer = await parts.publisher.open(openingOf(read), stop)
  try {
    const claim = await claimStream(parts, read, producer, stop)
    mustBeAssigned(parts)
    return { producer, checkpoint: streamCheckpoint(claim, parts) }
  } catch (error) {
    await producer.close()
    throw error
  }
}

function mustBeAssigned({ isAssigned }: OpenParts): void {
  if (!isAssigned()) throw new ConnectorError('publish.fenced', 'open stream: not assigned to this replica')
}

/** What a rewind replaces may be in another cluster, and its topic lost. */
function openingOf({ document, isCured }: ReadStored): OpenOptions {
  if (document === undefined || isCured('checkpoint.topic-lost')) return withoutCheckpoint
  const { clusterId } = document.destination
  return { ...withoutCheckpoint, publishedEvents: publishedEvents(document), clusterId }
}

/**
 * Resolves the valid state by the commit record, repairs transactions without a marker, and claims the stream: against the
 * version that was read, with the rewind that waits. Rejects with `checkpoint.*`, `publish.*` or `storage.*`.
 */
async function claimStream(
  parts: OpenParts,
  read: ReadStored,
  producer: StreamProducer,
  stop: AbortSignal,
): Promise<Claim> {
  const { document: before, version: expected } = read
  const { clock, beginAt, owner } = parts
  const { producerId } = producer
  const kafka = await producer.readKafkaState({ formerProducerId: before?.producerId ?? null }, stop)
  const valid = validIn(parts, read, kafka)
  if (valid.kind === 'hold' && !read.isCured(valid.code)) {
    await mustNotHaveMoved(parts, expected, stop)
    throw new ConnectorError(valid.code, `open stream: ${valid.why}`)
  }
  await repairStream(parts, { read, producer, open: kafka.open, isDecided: valid.kind === 'pending' }, stop)
  const identity = { ...parts.identity, destination: kafka.destination }
  const claimant = { nonce: parts.newNonce(), at: clock.now(), owner, producerId, identity }
  const document = claimed({ ...read, valid, found: kafka.found, beginAt }, claimant)
  const isNewIndex = before?.committed.state.index.generation !== document.committed.state.index.generation
  const table = isNewIndex ? clientTable() : read.table
  table.setAll(deltaWords(document.committed.state.index.delta))
  const version = await writeDocument(parts, { document, expected }, stop)
  if (version === undefined) throw conflict()
  observeClaim(parts, before, document)
  return { document, version, table }
}

/** Which state is valid, once the previous producers are fenced. */
function validIn({ identity, clock, topicUse }: OpenParts, { document }: ReadStored, kafka: KafkaState) {
  const { found, isEmpty, destination } = kafka
  const wrong = document && mismatch(document, { ...identity, destination })
  return wrong ?? validState(document, { found, mayBegin: isEmpty || topicUse === 'shared', now: clock.now() })
}

interface Repair {
  readonly read: ReadStored
  readonly producer: StreamProducer
  /** What our producers have open after the fence: it has lost its markers. */
  readonly open: readonly OpenTransaction[]
  /** Whether it was decided: its events were sent after their state was prepared, so it is that of `pending`. */
  readonly isDecided: boolean
}

/**
 * Runs before anything is published. Invariants 1 and 2: a hanging transaction of the resolved state is committed, any
 * other is aborted.
 */
async function repairStream(parts: OpenParts, { read, producer, open, isDecided }: Repair, stop: AbortSignal) {
  const former = open.filter(({ producerId }) => producerId !== producer.producerId)
  if (former.length > 0) throw hangingTransaction(former, isDecided)
  if (open.length === 0) return
  await mustNotHaveMoved(parts, read.version, stop) // the transaction may be that of its successor
  const as = isDecided ? 'committed' : 'aborted'
  await producer.repairTransactions({ hanging: open, as }, stop)
  parts.observe({ kind: 'transactions-repaired', partitions: open.length, as })
}

/** A producer with another id cannot end it. */
function hangingTransaction(open: readonly OpenTransaction[], isDecided: boolean): ConnectorError {
  const places = open.map(
    ({ topic, partition, startOffset }) => `${topic} partition ${partition} offset ${startOffset}`,
  )
  // Invariants 1, 2: an abort of a decided transaction would withdraw events that count as published.
  const cure = isDecided ? 'it was decided, commit it' : 'it was not decided, abort it'
  return new ConnectorError(
    'publish.hanging-transaction',
    `open stream: hanging transaction of the former producer id ${open[0]?.producerId} in ${places.join(', ')}: ${cure}`,
  )
}

function observeClaim(
  { observe, owner }: OpenParts,
  before: CheckpointDocument | undefined,
  { claim: { epoch }, committed, source, destination }: CheckpointDocument,
): void {
  const { seq, state } = committed
  const { history } = state.scans
  const { events } = state
  observe({ kind: 'stream-claimed', epoch, seq, history: history.state, isNew: before === undefined, events })
  if (before === undefined) return
  const { owner: from } = before.claim
  if (from !== null && from !== owner) observe({ kind: 'taken-over', from, epoch })
  if (before.source.url !== source.url) observe({ kind: 'source-moved' })
  const { partitions } = before.destination
  if (partitions < destination.partitions)
    observe({ kind: 'partitions-grown', from: partitions, to: destination.partitions })
}
