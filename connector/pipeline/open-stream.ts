import type { CheckpointDocument, Committed, StreamIdentity } from '../checkpoint/checkpoint-document.ts'
import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import { mismatch } from '../checkpoint/resolve.ts'
import {
  type CheckpointParts,
  type StreamCheckpoint,
  streamCheckpoint,
  writeDocument,
} from '../checkpoint/stream-checkpoint.ts'
import { beginning } from '../checkpoint/stream-state.ts'
import { claimed, committedByNote, firstDocument } from '../checkpoint/transitions.ts'
import type { EventPublisher, PublisherSession } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { Turns } from '../runtime/turns.ts'
import type { ReadArguments } from '../source/client-source.ts'
import type { StoredText } from '../storage/versioned-object.ts'
import { fateBy, findTruth } from './find-truth.ts'
import type { Observe } from './pipeline-event.ts'

export interface OpenParts extends CheckpointParts {
  /** Resolves once the checkpoint store is known to keep its promises. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly publisher: EventPublisher
  /** So many streams are opened at a time: each costs connections and round trips. */
  readonly openings: Turns
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** Where a new stream begins; undefined when that is not configured. */
  readonly beginAt: ReadArguments | undefined
  /** This replica. */
  readonly owner: string
  readonly offsetsRetentionMs: number
  readonly windowCapacity: number
  /** Placement's word at this moment; it may be wrong, nothing unsafe follows. */
  readonly isAssigned: () => boolean
  readonly observe: Observe
}

/** A stream that this replica has claimed. */
export interface OpenStream {
  readonly session: PublisherSession
  readonly checkpoint: StreamCheckpoint
}

/** The document as it was read, before anybody was fenced. */
interface StoredDocument {
  readonly stored: StoredText | undefined
  readonly document: CheckpointDocument | undefined
}

/**
 * Opens a stream: check the assignment → read the document → fence → read the note → resolve → settle transactions without an end → claim against
 * the version read first → check the assignment.
 * This order is checked over every interleaving in `test/simulation`. Rejects with the code that says what to do; nothing is touched unless claimed.
 * `held`: what this replica holds while its session is closed; with it, the document has to be what it wrote last.
 */
export async function openStream(parts: OpenParts, stop: AbortSignal, held?: StreamCheckpoint): Promise<OpenStream> {
  parts.observe({ kind: 'stream-opening' })
  using _turn = await parts.openings.take(stop)
  mustBeAssigned(parts) // who opens fences: a replica that knows that it was replaced fences nobody
  await parts.storeReady(stop)
  const stored = await parts.object.read(stop)
  held?.mustBe(stored) // before anybody is fenced
  const document = stored === undefined ? undefined : parseDocument(stored.text)
  const session = await parts.publisher.open(stop)
  try {
    const claim = await claimStream(parts, { stored, document }, session, stop)
    mustBeAssigned(parts)
    return { session, checkpoint: streamCheckpoint(claim, parts) }
  } catch (error) {
    await session.close()
    throw error
  }
}

function mustBeAssigned({ isAssigned }: OpenParts): void {
  if (!isAssigned()) throw new ConnectorError('publish.fenced', 'open stream: it is not assigned to this replica now')
}

async function claimStream(parts: OpenParts, read: StoredDocument, session: PublisherSession, stop: AbortSignal) {
  const identity = { ...parts.identity, destination: session.destination }
  const note = await session.readNote(stop)
  const wrong = read.document === undefined ? undefined : mismatch(read.document, identity)
  const truth =
    wrong === undefined
      ? await findTruth(parts, { session, document: read.document, note }, stop)
      : ({ kind: 'stop', code: 'checkpoint.other-stream', why: wrong } as const)
  const restore = 'restore' in truth ? truth.restore : undefined
  // Neither a stop nor a note is to be built on a document that somebody has replaced before he was fenced.
  if (truth.kind === 'stop' || restore !== undefined) await mustNotHaveMoved(parts, read.stored, stop)
  if (truth.kind === 'stop') throw new ConnectorError(truth.code, `open stream: ${truth.why}`)

  const next =
    read.document === undefined
      ? newDocument(parts, identity)
      : claimDocument(parts, read.document, truth.kind, identity)
  await session.settle({ fateOf: fateBy(parts.identity, next.committed.state.events), note: restore }, stop)
  const version = await writeDocument(parts, { document: next, expected: read.stored?.version ?? null }, stop)
  observeClaim(parts, read.document, next)
  return { document: next, version }
}

/** A combination that makes no sense may come of somebody else opening or publishing meanwhile. */
async function mustNotHaveMoved(parts: OpenParts, before: StoredText | undefined, stop: AbortSignal): Promise<void> {
  const now = await parts.object.read(stop)
  if (now?.version !== before?.version)
    throw new ConnectorError('checkpoint.conflict', 'open stream: somebody else wrote its checkpoint meanwhile')
}

function newDocument(parts: OpenParts, identity: StreamIdentity): CheckpointDocument {
  if (parts.beginAt === undefined) {
    throw new ConnectorError(
      'config.invalid',
      'open stream: there is no checkpoint yet: POLARIS_LAST_CHANGED must say from when on clients are read',
    )
  }
  return firstDocument(identity, beginning(parts.beginAt), {
    nonce: parts.newNonce(),
    at: parts.clock.now(),
    owner: parts.owner,
  })
}

function claimDocument(
  parts: OpenParts,
  document: CheckpointDocument,
  truth: 'new' | 'committed' | 'pending',
  identity: StreamIdentity,
): CheckpointDocument {
  const committed: Committed =
    truth === 'pending' ? committedByNote(document, parts.windowCapacity) : document.committed
  return claimed(document, committed, { nonce: parts.newNonce(), at: parts.clock.now(), owner: parts.owner, identity })
}

function observeClaim(
  { observe, owner, beginAt }: OpenParts,
  before: CheckpointDocument | undefined,
  now: CheckpointDocument,
): void {
  const { resume, events } = now.committed.state
  const { epoch } = now.claim
  observe({
    kind: 'stream-claimed',
    epoch,
    seq: now.committed.seq,
    lastChanged: resume.lastChanged,
    isNew: before === undefined,
    events,
  })
  if (before === undefined) return
  const isTakenOver = before.claim.owner !== owner
  if (isTakenOver) observe({ kind: 'taken-over', from: before.claim.owner, epoch })
  if (before.source.url !== now.source.url) observe({ kind: 'source-moved' })
  if (before.destination.partitions < now.destination.partitions) {
    observe({ kind: 'partitions-grown', from: before.destination.partitions, to: now.destination.partitions })
  }
  if (isTakenOver && beginAt !== undefined && beginAt.lastChanged !== resume.lastChanged) {
    observe({
      kind: 'setting-ignored',
      setting: 'POLARIS_LAST_CHANGED',
      why: 'the stream has a checkpoint and goes on from there',
    })
  }
}
