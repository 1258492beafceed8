import type { ClientTable } from '../index/client-table.ts'
import { deltaWords } from '../index/index-state.ts'
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
import { type DocumentWrite, mustFollow } from './next-document.ts'
import { documentOfPrepare } from './transitions.ts'

export interface CheckpointParts {
  readonly object: VersionedObject
  readonly clock: Clock
  readonly newNonce: () => string
  /** The client index in memory, kept across claims. */
  readonly index: StreamIndex
  readonly observe: (event: IndexEvent) => void
}

/** What a claim has written: the document, its stored version, and the index of its committed state. */
export interface Claim {
  readonly document: CheckpointDocument
  readonly version: Version
  readonly table: ClientTable
}

interface OwnedDocument extends CheckpointParts, Claim {
  readonly storage: IndexStorage
  /** Its committed state is the current one. */
  document: CheckpointDocument
  /** What was stored last; once its transaction is decided, with `pending` as committed. */
  stored: CheckpointDocument
  version: Version
  /** Whether the document is stored. */
  isSaved: boolean
  preparedDocument: ReturnType<typeof documentOfPrepare> | undefined
}

/**
 * The checkpoint of a claimed stream, with its client index. After any rejection it is unusable: open the stream again.
 * Every write rejects with `storage.*` if its outcome is unknown, with `publish.fenced` if another process has written
 * the object, and with `bug` if the document does not follow the one that is stored.
 */
export interface StreamCheckpoint {
  /** The client index of the current state. */
  readonly table: ClientTable
  /** The rewind that was applied last; null: none was. */
  readonly rewound: string | null
  /** Returns the current state: that of the last decided transaction, or a later one without a transaction. */
  state(): CommittedState
  /** Returns the number of transactions that were decided so far. */
  seq(): number
  /** Whether the current state is stored as committed. */
  isSaved(): boolean
  /** Takes a change without a transaction, and so without index entries; the next write stores it. */
  advance(change: StateChange): void
  /** Writes what the next transaction adds. Resolves with the commit record that will decide it. */
  prepare(change: StateChange, finish: AbortSignal): Promise<CommitRecord>
  /** Marks the prepared transaction as decided. Writes nothing. */
  markDecided(): void
  /** Writes the current state as committed. */
  save(finish: AbortSignal): Promise<void>
  /** Writes the current state as committed, and the document without an owner. It is the last write. */
  leave(finish: AbortSignal): Promise<void>
  /** Ends the work on the index in the background. Never rejects. */
  close(): Promise<void>
}

export function streamCheckpoint(claim: Claim, parts: CheckpointParts): StreamCheckpoint {
  const { index } = parts
  const { document, table } = claim
  const { store, limits } = index
  const { epoch } = document.claim
  const storage = indexStorage(document.committed.state.index, { ...parts, table, store, limits, epoch })
  const owned: OwnedDocument = {
    ...parts,
    ...claim,
    stored: document,
    storage,
    isSaved: true,
    preparedDocument: undefined,
  }
  index.keep(table, document.nonce)
  return {
    table,
    rewound: document.rewound,
    state: () => owned.document.committed.state,
    seq: () => owned.document.committed.seq,
    isSaved: () => owned.isSaved,
    advance: (change) => {
      // The table holds decided entries only, and segments are written from it.
      if (change.entries !== '') throw new Error('index entries without a transaction')
      owned.document = withState(owned.document, stateAfter(owned.document.committed.state, change))
      owned.isSaved = false
    },
    prepare: (change, finish) => prepare(owned, change, finish),
    markDecided: () => decide(owned),
    save: (finish) => save(owned, owned.document.claim.owner, finish),
    leave: (finish) => save(owned, null, finish),
    close: storage.close,
  }
}

function withState(document: CheckpointDocument, state: CommittedState): CheckpointDocument {
  return { ...document, committed: { ...document.committed, state } }
}

async function prepare(owned: OwnedDocument, change: StateChange, finish: AbortSignal): Promise<CommitRecord> {
  const document = await withIndex(owned, finish)
  const next = documentOfPrepare(document, change, { nonce: owned.newNonce(), at: owned.clock.now() })
  // If the write fails, the document that is stored now may stay.
  owned.index.keep(owned.table, next.nonce, ...(owned.isSaved ? [document.nonce] : []))
  await write(owned, 'prepare', next, finish)
  owned.preparedDocument = next
  const { epoch, seq, nonce } = next.pending
  return { epoch, seq, nonce, nextEvent: change.nextEvent }
}

function decide(owned: OwnedDocument): void {
  const { preparedDocument } = owned
  if (preparedDocument === undefined) throw new Error('decided without prepare')
  owned.index.forget()
  owned.table.setAll(deltaWords(preparedDocument.pending.change.entries))
  owned.document = documentAfterCommit(preparedDocument)
  owned.stored = owned.document
  owned.preparedDocument = undefined
  owned.isSaved = false
}

async function save(owned: OwnedDocument, owner: string | null, finish: AbortSignal): Promise<void> {
  const document = await withIndex(owned, finish)
  const next = { ...document, nonce: owned.newNonce(), claim: { ...document.claim, owner } }
  owned.index.keep(owned.table, next.nonce)
  await write(owned, owner === null ? 'leave' : 'save', next, finish)
  owned.document = next
  owned.isSaved = true
}

/** The document, with its index as it is stored from now on. */
async function withIndex({ document, storage }: OwnedDocument, finish: AbortSignal): Promise<CheckpointDocument> {
  const { state } = document.committed
  return withState(document, { ...state, index: await storage.represent(state, finish) })
}

async function write(
  owned: OwnedDocument,
  how: DocumentWrite,
  document: CheckpointDocument,
  finish: AbortSignal,
): Promise<void> {
  mustFollow(how, owned.stored, document)
  const version = await writeDocument(owned, { document, expected: owned.version }, finish)
  if (version === undefined && (await owned.object.read(finish)) === undefined)
    throw new ConnectorError('checkpoint.damaged', 'write checkpoint: the document is missing')
  // Not a conflict, after which the stream is reopened: two replicas would take it from each other endlessly.
  if (version === undefined)
    throw new ConnectorError('publish.fenced', 'write checkpoint: another process has replaced it')
  owned.version = version
  owned.stored = document
  owned.storage.onDocumentStored(document.committed.state.index)
}

/**
 * Writes a whole document if the stored version is still `expected`; resolves with the new version. Invariant 4: a
 * replica that was replaced finds another version, and writes nothing: undefined.
 */
export async function writeDocument(
  { object }: CheckpointParts,
  { document, expected }: { document: CheckpointDocument; expected: Version | null },
  finish: AbortSignal,
): Promise<Version | undefined> {
  const outcome = await object.write(serializeDocument(document), expected, finish)
  return outcome.kind === 'written' ? outcome.version : undefined
}
