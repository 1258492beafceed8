import type { Note } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { StoredText, Version, VersionedObject } from '../storage/versioned-object.ts'
import { type CheckpointDocument, parseDocument, serializeDocument } from './checkpoint-document.ts'
import type { StateChange, StreamState } from './stream-state.ts'
import { committedAtLeastOnce, moved, noteOf, prepared, type Stamp } from './transitions.ts'

/**
 * The claimed checkpoint of a stream. After any rejection it is dead: open the stream again.
 * Every write rejects with `storage.*` when its outcome is unknown, with `publish.fenced` when another replica claimed the stream
 * meanwhile, and with `checkpoint.conflict` when somebody else touched the object.
 */
export interface StreamCheckpoint {
  /** What holds: the state of the last decided transaction, and what was saved since. */
  state(): StreamState
  /** Transactions decided so far. */
  seq(): number
  /** Writes what the next transaction adds; resolves with the note that will decide it. */
  prepare(change: StateChange, finish: AbortSignal): Promise<Note>
  /** The prepared transaction is decided: `state` holds. */
  decided(state: StreamState): void
  /** Writes a state that needed no transaction. */
  save(state: StreamState, finish: AbortSignal): Promise<void>
  /** Throws like a write, when what is stored now is not what this claim wrote last. */
  mustBe(stored: StoredText | undefined): void
  /** At least once: writes the state whose events are in the topic. */
  saveDelivered(state: StreamState, finish: AbortSignal): Promise<void>
}

export interface CheckpointParts {
  readonly object: VersionedObject
  readonly clock: Clock
  readonly newNonce: () => string
  /** Hears the size of each document written. */
  readonly onWritten: (bytes: number) => void
}

/** `claimed`: the document as this replica claimed it, stored as `version`. */
export function streamCheckpoint(
  claimed: { document: CheckpointDocument; version: Version },
  parts: CheckpointParts,
): StreamCheckpoint {
  let { document, version } = claimed
  let preparedDocument: CheckpointDocument | undefined

  const stamp = (): Stamp => ({ nonce: parts.newNonce(), at: parts.clock.now() })
  const write = async (next: CheckpointDocument, finish: AbortSignal) => {
    try {
      version = await writeDocument(parts, { document: next, expected: version }, finish)
    } catch (error) {
      if (codeOf(error) === 'checkpoint.conflict') mustBe(await parts.object.read(finish))
      throw error
    }
  }
  const mustBe = (stored: StoredText | undefined) => {
    if (stored?.version === version) return
    // Opening the stream again would take it back from whoever claimed it, and so on for ever.
    if (stored !== undefined && isClaimedAbove(document.claim.epoch, stored))
      throw new ConnectorError('publish.fenced', 'write checkpoint: another replica claimed the stream')
    throw new ConnectorError('checkpoint.conflict', 'write checkpoint: somebody else wrote it meanwhile')
  }

  return {
    mustBe,
    state: () => document.committed.state,
    seq: () => document.committed.seq,
    prepare: async (change, finish) => {
      const next = prepared(document, change, stamp())
      await write(next, finish)
      preparedDocument = next
      return noteOf(next)
    },
    decided: (state) => {
      if (preparedDocument === undefined) throw new Error('decided without prepare')
      const { epoch, seq, nonce, at } = noteAndTime(preparedDocument)
      document = { ...document, committed: { epoch, seq, nonce, at, by: 'note', state }, pending: null }
      preparedDocument = undefined
    },
    save: async (state, finish) => {
      const next = moved(document, state, stamp())
      await write(next, finish)
      document = next
    },
    saveDelivered: async (state, finish) => {
      const next = committedAtLeastOnce(document, state, stamp())
      await write(next, finish)
      document = next
    },
  }
}

function isClaimedAbove(epoch: number, { text }: StoredText): boolean {
  try {
    return parseDocument(text).claim.epoch > epoch
  } catch {
    return false // what it is, opening the stream says
  }
}

/** Conditional write of a whole document; resolves with its version. Invariant 4: a replica that was taken over meets another version. */
export async function writeDocument(
  parts: Pick<CheckpointParts, 'object' | 'onWritten'>,
  { document, expected }: { document: CheckpointDocument; expected: Version | null },
  finish: AbortSignal,
): Promise<Version> {
  const text = serializeDocument(document)
  const outcome = await parts.object.write(text, expected, finish)
  if (outcome.kind === 'conflict')
    throw new ConnectorError('checkpoint.conflict', 'write checkpoint: somebody else wrote it meanwhile')
  parts.onWritten(text.length)
  return outcome.version
}

function noteAndTime(document: CheckpointDocument): Note & { at: number } {
  return { ...noteOf(document), at: document.pending?.at ?? 0 }
}
