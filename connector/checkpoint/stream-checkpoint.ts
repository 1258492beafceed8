import type { ClientTable } from '../index/client-table.ts'
import { deltaWords } from '../index/index-state.ts'
import { type IndexEvent, type IndexStorage, indexStorage } from '../index/index-storage.ts'
import type { StreamIndex } from '../index/stream-index.ts'
import type { CommitRecord } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { Version, VersionedObject } from '../storage/checkpoint-store.ts'
import type { StateChange, StreamState } from './checkpoint-document.ts'
import { type CheckpointDocument, serializeDocument } from './checkpoint-document.ts'
import { decided, left, moved, prepared, recordOf, represented, stateAfter } from './transitions.ts'

/**
 * The checkpoint of a claimed stream, with its client index. After any rejection it is unusable: open the stream again.
 * Every write rejects with `storage.*` if its outcome is unknown, and with `publish.fenced` if another process has written
 * the object.
 */
export interface StreamCheckpoint {
  /** The current state: that of the last decided transaction, or a later one without a transaction. */
  state(): StreamState
  /** The client index of the current state. */
  readonly table: ClientTable
  /** Number of transactions decided so far. */
  seq(): number
  /** Of this claim. */
  readonly epoch: number
  /** The rewind that was applied last; null: none. */
  readonly rewound: string | null
  /** Whether the current state is stored as committed. */
  isSaved(): boolean
  /** Takes a change without a transaction, and so without index entries; the next write stores it. */
  advance(change: StateChange): void
  /** Writes what the next transaction adds. Resolves with the commit record that will decide it. */
  prepare(change: StateChange, finish: AbortSignal): Promise<CommitRecord>
  /** Marks the prepared transaction as decided. Writes nothing. */
  decided(): void
  /** Writes the current state as committed. */
  save(finish: AbortSignal): Promise<void>
  /** The same, without an owner. Nothing follows. */
  leave(finish: AbortSignal): Promise<void>
  /** Ends the upkeep of the index. Never rejects. */
  close(): Promise<void>
}

export interface CheckpointParts {
  readonly object: VersionedObject
  readonly clock: Clock
  readonly newNonce: () => string
  /** The client index in memory, kept across claims. */
  readonly index: StreamIndex
  readonly observe: (event: IndexEvent) => void
  /** Called with the size of each document written. */
  readonly onWritten: (bytes: number) => void
}

/** What a claim has written: the document, its stored version, and the index of its committed state. */
export interface Claim {
  readonly document: CheckpointDocument
  readonly version: Version
  readonly table: ClientTable
}

export function streamCheckpoint(claim: Claim, parts: CheckpointParts): StreamCheckpoint {
  const { table, document } = claim
  const { index } = parts
  const storage = indexStorage(document.committed.state.index, {
    ...parts,
    table,
    store: index.store,
    limits: index.limits,
    epoch: document.claim.epoch,
  })
  const write = documentWriter(claim, parts, storage)
  const held: Held = {
    ...parts,
    table,
    storage,
    write,
    document,
    prepared: undefined,
    unsaved: undefined,
    isRecorded: true,
  }
  index.keep(table, document.nonce)
  return {
    table,
    epoch: document.claim.epoch,
    rewound: document.rewound,
    state: () => stateOf(held),
    seq: () => held.document.committed.seq,
    isSaved: () => held.isRecorded && held.unsaved === undefined,
    advance: (change) => advance(held, change),
    prepare: (change, finish) => prepare(held, change, finish),
    decided: () => decide(held),
    save: (finish) => save(held, finish),
    leave: (finish) => {
      held.document = left(held.document)
      return save(held, finish)
    },
    close: storage.close,
  }
}

/** The state of an open checkpoint. */
interface Held extends CheckpointParts {
  readonly table: ClientTable
  readonly storage: IndexStorage
  readonly write: ReturnType<typeof documentWriter>
  document: CheckpointDocument
  prepared: CheckpointDocument | undefined
  /** The last change without a transaction, if it is not written yet. */
  unsaved: StateChange | undefined
  /** Whether the last decided transaction is stored as committed. */
  isRecorded: boolean
}

function stateOf({ document, unsaved }: Held): StreamState {
  const { state } = document.committed
  return unsaved === undefined ? state : stateAfter(state, unsaved)
}

function advance(held: Held, change: StateChange): void {
  // The table holds decided entries only, and segments are written from it.
  if (change.entries !== '') throw new Error('index entries without a transaction')
  held.unsaved = change
}

async function prepare(held: Held, change: StateChange, finish: AbortSignal): Promise<CommitRecord> {
  const { document, table } = held
  const stamp = { nonce: held.newNonce(), at: held.clock.now() }
  const next = prepared(await withIndex(held, finish), change, stamp)
  // The stored document may still have the decided state as pending.
  held.index.keep(table, next.nonce, ...(held.isRecorded ? [document.nonce] : []))
  await held.write(next, finish)
  held.prepared = next
  return recordOf(next)
}

function decide(held: Held): void {
  if (held.prepared?.pending == null) throw new Error('decided without prepare')
  held.index.forget()
  held.table.setAll(deltaWords(held.prepared.pending.change.entries))
  held.document = decided(held.prepared)
  held.prepared = undefined
  held.unsaved = undefined
  held.isRecorded = false
}

async function save(held: Held, finish: AbortSignal): Promise<void> {
  const next = moved(await withIndex(held, finish), held.unsaved, held.newNonce())
  held.index.keep(held.table, next.nonce)
  await held.write(next, finish)
  held.document = next
  held.unsaved = undefined
  held.isRecorded = true
}

async function withIndex({ document, storage }: Held, finish: AbortSignal): Promise<CheckpointDocument> {
  return represented(document, await storage.represent(document.committed.state, finish))
}

/** Writes the documents of one claim. */
function documentWriter(claim: Claim, parts: CheckpointParts, storage: IndexStorage) {
  let { version } = claim
  return async (document: CheckpointDocument, finish: AbortSignal) => {
    try {
      version = await writeDocument(parts, { document, expected: version }, finish)
    } catch (error) {
      // Not a conflict, after which the stream is reopened: two replicas would take it from each other endlessly.
      if (codeOf(error) !== 'checkpoint.conflict') throw error
      throw new ConnectorError('publish.fenced', 'write checkpoint: another process has replaced it')
    }
    storage.written(document.committed.state.index)
  }
}

/**
 * Writes a whole document if the stored version is still `expected`; resolves with the new version. Invariant 4: a
 * replica that was replaced finds another version.
 */
export async function writeDocument(
  parts: Pick<CheckpointParts, 'object' | 'onWritten'>,
  { document, expected }: { document: CheckpointDocument; expected: Version | null },
  finish: AbortSignal,
): Promise<Version> {
  const text = serializeDocument(document)
  const outcome = await parts.object.write(text, expected, finish)
  if (outcome.kind === 'conflict')
    throw new ConnectorError('checkpoint.conflict', 'write checkpoint: another process has changed it')
  parts.onWritten(text.length)
  return outcome.version
}
