import type { ClientTable } from '../index/client-table.ts'
import { deltaWords } from '../index/index-state.ts'
import { type IndexEvent, type IndexStorage, indexStorage } from '../index/index-storage.ts'
import type { StreamIndex } from '../index/stream-index.ts'
import type { CommitRecord } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { Version, VersionedObject } from '../storage/checkpoint-store.ts'
import {
  afterCommit,
  type CheckpointDocument,
  type StateChange,
  type CommittedState,
  serializeDocument,
  stateAfter,
} from './checkpoint-document.ts'
import { type DocumentWrite, mustFollow } from './next-document.ts'
import { prepared } from './transitions.ts'

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

interface Held extends CheckpointParts, Claim {
  readonly storage: IndexStorage
  /** Its committed state is the current one. */
  document: CheckpointDocument
  /** What was stored last; once its transaction is decided, with `pending` as committed. */
  stored: CheckpointDocument
  version: Version
  /** Whether the document is stored. */
  isSaved: boolean
  prepared: ReturnType<typeof prepared> | undefined
}

export type StreamCheckpoint = ReturnType<typeof streamCheckpoint>

/**
 * The checkpoint of a claimed stream, with its client index. After any rejection it is unusable: open the stream again.
 * Every write rejects with `storage.*` if its outcome is unknown, with `publish.fenced` if another process has written
 * the object, and with `bug` if the document does not follow the one that is stored.
 */
export function streamCheckpoint(claim: Claim, parts: CheckpointParts) {
  const { index } = parts
  const { document, table } = claim
  const { store, limits } = index
  const { epoch } = document.claim
  const storage = indexStorage(document.committed.state.index, { ...parts, table, store, limits, epoch })
  const held: Held = { ...parts, ...claim, stored: document, storage, isSaved: true, prepared: undefined }
  index.keep(table, document.nonce)
  return {
    /** The client index of the current state. */
    table,
    /** The rewind that was applied last; null: none. */
    rewound: document.rewound,
    /** The current state: that of the last decided transaction, or a later one without a transaction. */
    state: () => held.document.committed.state,
    /** Number of transactions decided so far. */
    seq: () => held.document.committed.seq,
    /** Whether the current state is stored as committed. */
    isSaved: () => held.isSaved,
    /** Takes a change without a transaction, and so without index entries; the next write stores it. */
    advance: (change: StateChange): void => {
      // The table holds decided entries only, and segments are written from it.
      if (change.entries !== '') throw new Error('index entries without a transaction')
      held.document = withState(held.document, stateAfter(held.document.committed.state, change))
      held.isSaved = false
    },
    /** Writes what the next transaction adds. Resolves with the commit record that will decide it. */
    prepare: (change: StateChange, finish: AbortSignal) => prepare(held, change, finish),
    /** Marks the prepared transaction as decided. Writes nothing. */
    decided: () => decide(held),
    /** Writes the current state as committed. */
    save: (finish: AbortSignal) => save(held, held.document.claim.owner, finish),
    /** The same, without an owner. Nothing follows. */
    leave: (finish: AbortSignal) => save(held, null, finish),
    /** Ends the upkeep of the index. Never rejects. */
    close: storage.close,
  }
}

function withState(document: CheckpointDocument, state: CommittedState): CheckpointDocument {
  return { ...document, committed: { ...document.committed, state } }
}

async function prepare(held: Held, change: StateChange, finish: AbortSignal): Promise<CommitRecord> {
  const document = await withIndex(held, finish)
  const next = prepared(document, change, { nonce: held.newNonce(), at: held.clock.now() })
  // If the write fails, the document that is stored now may stay.
  held.index.keep(held.table, next.nonce, ...(held.isSaved ? [document.nonce] : []))
  await write(held, 'prepare', next, finish)
  held.prepared = next
  const { epoch, seq, nonce } = next.pending
  return { epoch, seq, nonce, nextEvent: change.nextEvent }
}

function decide(held: Held): void {
  const { prepared } = held
  if (prepared === undefined) throw new Error('decided without prepare')
  held.index.forget()
  held.table.setAll(deltaWords(prepared.pending.change.entries))
  held.document = afterCommit(prepared)
  held.stored = held.document
  held.prepared = undefined
  held.isSaved = false
}

async function save(held: Held, owner: string | null, finish: AbortSignal): Promise<void> {
  const document = await withIndex(held, finish)
  const next = { ...document, nonce: held.newNonce(), claim: { ...document.claim, owner } }
  held.index.keep(held.table, next.nonce)
  await write(held, owner === null ? 'leave' : 'save', next, finish)
  held.document = next
  held.isSaved = true
}

/** The document, with its index as it is stored from now on. */
async function withIndex({ document, storage }: Held, finish: AbortSignal): Promise<CheckpointDocument> {
  const { state } = document.committed
  return withState(document, { ...state, index: await storage.represent(state, finish) })
}

async function write(held: Held, how: DocumentWrite, document: CheckpointDocument, finish: AbortSignal): Promise<void> {
  mustFollow(how, held.stored, document)
  const version = await writeDocument(held, { document, expected: held.version }, finish)
  if (version === undefined && (await held.object.read(finish)) === undefined)
    throw new ConnectorError('checkpoint.damaged', 'write checkpoint: the document is missing')
  // Not a conflict, after which the stream is reopened: two replicas would take it from each other endlessly.
  if (version === undefined)
    throw new ConnectorError('publish.fenced', 'write checkpoint: another process has replaced it')
  held.version = version
  held.stored = document
  held.storage.written(document.committed.state.index)
}

/**
 * Writes a whole document if the stored version is still `expected`; resolves with the new version. Invariant 4: a
 * replica that was replaced finds another version, and writes nothing: undefined.
 */
export async function writeDocument(
  { object }: CheckpointParts,
  { document, expected }: { readonly document: CheckpointDocument; readonly expected: Version | null },
  finish: AbortSignal,
): Promise<Version | undefined> {
  const outcome = await object.write(serializeDocument(document), expected, finish)
  return outcome.kind === 'written' ? outcome.version : undefined
}
