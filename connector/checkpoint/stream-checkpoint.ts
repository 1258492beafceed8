import type { ClientTable } from '../index/client-table.ts'
import { encodedEntriesOf } from '../index/index-state.ts'
import { type IndexEvent, type IndexStorage, indexStorage } from '../index/index-storage.ts'
import type { StreamIndex } from '../index/stream-index.ts'
import type { CommitRecord } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { Version, VersionedObject } from '../storage/checkpoint-store.ts'
import {
  type CheckpointDocument,
  type CommittedState,
  documentAfterCommit,
  type StateChange,
  serializeDocument,
  stateAfter,
} from './checkpoint-document.ts'
import { mustFollow, type WriteReason } from './next-document.ts'
import { documentOfPrepare } from './transitions.ts'

export interface CheckpointParts {
  /** The document is stored as this object. */
  readonly object: VersionedObject
  readonly clock: Clock
  readonly newNonce: () => string
  /** Keeps the client index in memory from one claim to the next. */
  readonly indexCache: StreamIndex
  readonly observe: (event: IndexEvent) => void
}

/** A claim has written this document, in this version; the table is the client index of its committed state. */
export interface ClaimedDocument {
  readonly document: CheckpointDocument
  readonly version: Version
  readonly table: ClientTable
}

/**
 * A replica owns the document of a stream by its claim, until another one claims. `OwnedDocument` holds that document,
 * and all that is needed to write the next one.
 */
interface OwnedDocument extends CheckpointParts, ClaimedDocument {
  /** Stores the segments of the client index. */
  readonly storage: IndexStorage
  /** Its committed state is the current state of the stream, which may not be stored yet. */
  document: CheckpointDocument
  /**
   * The next document must follow this one, which was stored last. Once its transaction is committed, this is the same
   * document with its pending state as the committed one.
   */
  documentToFollow: CheckpointDocument
  version: Version
  /** Whether `document` is stored as it is. */
  isSaved: boolean
  preparedDocument: ReturnType<typeof documentOfPrepare> | undefined
}

/**
 * This is the checkpoint of a claimed stream, with its client index. After any rejection it is unusable: open the
 * stream again. Every write rejects with `storage.*` if its outcome is unknown, with `publish.fenced` if another
 * process has written the object, and with `bug` if the document may not follow the one that is stored. `finish` aborts
 * at the deadline of the write.
 */
export interface StreamCheckpoint {
  /** This is the client index of the current state. */
  readonly table: ClientTable
  /** Names the rewind that was applied last; null if none was. */
  readonly appliedRewind: string | null
  /** Returns the current state: that of the last committed transaction, or a later one without a transaction. */
  state(): CommittedState
  /** Returns the number of the last committed transaction. It counts from 1 since the stream began last. */
  seq(): number
  /** Whether the current state is stored as committed. */
  isSaved(): boolean
  /** Takes a change without a transaction, and so without index entries; the next write stores it. */
  advance(change: StateChange): void
  /**
   * Writes what the next transaction adds. Resolves with the commit record that will decide it. That record is a group
   * offset with metadata, not a message in a topic.
   */
  prepare(change: StateChange, finish: AbortSignal): Promise<CommitRecord>
  /** Marks the prepared transaction as committed. Writes nothing. */
  markCommitted(): void
  /** Writes the current state as committed. */
  save(finish: AbortSignal): Promise<void>
  /** Writes the current state as committed, and the document without an owner. It is the last write. */
  leave(finish: AbortSignal): Promise<void>
  /** Stops the background work on the index. Never rejects. */
  close(): Promise<void>
}

export function streamCheckpoint(claimedDocument: ClaimedDocument, parts: CheckpointParts): StreamCheckpoint {
  const { indexCache } = parts
  const { document, table } = claimedDocument
  const { epoch } = document.claim
  const storage = indexStorage(document.committed.state.index, { ...parts, ...indexCache, table, epoch })
  const owned: OwnedDocument = {
    ...parts,
    ...claimedDocument,
    documentToFollow: document,
    storage,
    isSaved: true,
    preparedDocument: undefined,
  }
  indexCache.keep(table, document.nonce)
  return {
    table,
    appliedRewind: document.appliedRewind,
    state: () => owned.document.committed.state,
    seq: () => owned.document.committed.seq,
    isSaved: () => owned.isSaved,
    advance: (change) => {
      // Only a commit adds entries to the table, since segments are written from it.
      if (change.entries !== '') throw new Error('index entries without a transaction')
      owned.document = withState(owned.document, stateAfter(owned.document.committed.state, change))
      owned.isSaved = false
    },
    prepare: (change, finish) => prepare(owned, change, finish),
    markCommitted: () => markCommitted(owned),
    save: (finish) => save(owned, owned.document.claim.owner, finish),
    leave: (finish) => save(owned, null, finish),
    close: storage.close,
  }
}

function withState(document: CheckpointDocument, state: CommittedState): CheckpointDocument {
  return { ...document, committed: { ...document.committed, state } }
}

/**
 * Stores what the next transaction adds, before anything is sent. If its events were sent first:
 *   1. State 7 is stored. We send the events of state 8, and commit them: Kafka has the commit record of 8.
 *   2. We crash before state 8 is stored.
 *   3. The next opening knows neither where 8 resumes nor which clients it has published: the stream is held.
 * So state 8 is stored as `pending` first, and its commit record says whether it counts
 * (docs/decisions/20261125-s3-prepares-kafka-decides.md).
 */
async function prepare(owned: OwnedDocument, change: StateChange, finish: AbortSignal): Promise<CommitRecord> {
  const document = await withStoredIndex(owned, finish)
  const next = documentOfPrepare(document, change, { nonce: owned.newNonce(), at: owned.clock.now() })
  // The next opening reuses the table if the stored document has one of these nonces. If the answer to this write is
  // lost, either `next` or `document` is stored. The table fits `next`. It fits `document` only if that is stored as it
  // is here: otherwise the stored one has the newest entries of the table in `pending`, and not yet in its index.
  owned.indexCache.keep(owned.table, next.nonce, ...(owned.isSaved ? [document.nonce] : []))
  await write(owned, 'prepare', next, finish)
  owned.preparedDocument = next
  const { epoch, seq, nonce } = next.pending
  return { epoch, seq, nonce, nextEvent: change.nextEvent }
}

function markCommitted(owned: OwnedDocument) {
  const { preparedDocument } = owned
  if (preparedDocument === undefined) throw new Error('committed without prepare')
  owned.indexCache.forget()
  owned.table.setAll(encodedEntriesOf(preparedDocument.pending.change.entries))
  owned.document = documentAfterCommit(preparedDocument)
  owned.documentToFollow = owned.document
  owned.preparedDocument = undefined
  owned.isSaved = false
}

async function save(owned: OwnedDocument, owner: string | null, finish: AbortSignal) {
  const document = await withStoredIndex(owned, finish)
  const next = { ...document, nonce: owned.newNonce(), claim: { ...document.claim, owner } }
  owned.indexCache.keep(owned.table, next.nonce)
  await write(owned, owner === null ? 'leave' : 'save', next, finish)
  owned.document = next
  owned.isSaved = true
}

/** Stores index segments where that is due, and returns the document with the index that names them. */
async function withStoredIndex({ document, storage }: OwnedDocument, finish: AbortSignal): Promise<CheckpointDocument> {
  const { state } = document.committed
  return withState(document, { ...state, index: await storage.writeDueSegments(state, finish) })
}

async function write(owned: OwnedDocument, reason: WriteReason, document: CheckpointDocument, finish: AbortSignal) {
  mustFollow(reason, owned.documentToFollow, document)
  const version = await writeDocument(owned, { document, expected: owned.version }, finish)
  if (version === undefined && (await owned.object.read(finish)) === undefined)
    throw new ConnectorError('checkpoint.damaged', 'write checkpoint: the document is missing')
  // This is no `checkpoint.conflict`, after which the stream is opened again at once: two replicas would take it from
  // each other without end.
  if (version === undefined)
    throw new ConnectorError('publish.fenced', 'write checkpoint: another process has replaced it')
  owned.version = version
  owned.documentToFollow = document
  owned.storage.onDocumentStored(document.committed.state.index)
}

/**
 * Writes a whole document if the stored version is still `expected`, and resolves with the new version. Invariant 4: a
 * replica that was replaced finds another version; then this writes nothing, and resolves with undefined.
 */
export async function writeDocument(
  { object }: CheckpointParts,
  { document, expected }: { document: CheckpointDocument; expected: Version | null },
  finish: AbortSignal,
): Promise<Version | undefined> {
  const outcome = await object.write(serializeDocument(document), expected, finish)
  return outcome.kind === 'written' ? outcome.version : undefined
}
