import type { Note } from '../publish/event-publisher.ts'
import type { CheckpointDocument, Committed, StreamIdentity } from './checkpoint-document.ts'
import { type StateChange, type StreamState, stateAfter } from './stream-state.ts'

/** How the document moves: each function gives the next document to write. All pure. */

/** Who writes, when (ms since 1970), and the nonce of this write. */
export interface Stamp {
  readonly nonce: string
  readonly at: number
}

/** The first document of a stream. */
export function firstDocument(
  identity: StreamIdentity,
  state: StreamState,
  stamp: Stamp & { owner: string },
): CheckpointDocument {
  const { nonce, at, owner } = stamp
  return {
    format: 1,
    nonce,
    ...identity,
    claim: { epoch: 1, owner, at },
    committed: { epoch: 1, seq: 0, nonce, at, by: 'beginning', state },
    pending: null,
  }
}

/** What holds once `pending` is known to be decided. */
export function committedByNote(document: CheckpointDocument, capacity: number): Committed {
  const { committed, pending } = document
  if (pending === null) return committed
  const { change, ...decision } = pending
  return { ...decision, by: 'note', state: stateAfter(committed.state, change, capacity) }
}

/** Invariant 4: a claim is a higher epoch, and the truth alone. */
export function claimed(
  document: CheckpointDocument,
  committed: Committed,
  claim: Stamp & { owner: string; identity: StreamIdentity },
): CheckpointDocument {
  const { nonce, at, owner, identity } = claim
  return {
    ...document,
    nonce,
    ...identity,
    claim: { epoch: document.claim.epoch + 1, owner, at },
    committed,
    pending: null,
  }
}

/** The next transaction is prepared: it will be decided by the note of `pending`. */
export function prepared(document: CheckpointDocument, change: StateChange, stamp: Stamp): CheckpointDocument {
  const { nonce, at } = stamp
  return {
    ...document,
    nonce,
    pending: { epoch: document.claim.epoch, seq: document.committed.seq + 1, nonce, at, change },
  }
}

/** The committed state moves without a transaction; its decision (epoch, seq, nonce, time) stays. */
export function moved(document: CheckpointDocument, state: StreamState, stamp: Stamp): CheckpointDocument {
  return { ...document, nonce: stamp.nonce, committed: { ...document.committed, state }, pending: null }
}

/** At least once: the events are in the topic, no note will say so. */
export function committedAtLeastOnce(
  document: CheckpointDocument,
  state: StreamState,
  stamp: Stamp,
): CheckpointDocument {
  const { nonce, at } = stamp
  const committed: Committed = {
    epoch: document.claim.epoch,
    seq: document.committed.seq + 1,
    nonce,
    at,
    by: 'at-least-once',
    state,
  }
  return { ...document, nonce, committed, pending: null }
}

/** An operator's word: the next epoch, no note, and whatever the operator says is true. */
export function setByOperator(
  document: CheckpointDocument,
  state: StreamState,
  stamp: Stamp & { owner: string },
): CheckpointDocument {
  const { nonce, at, owner } = stamp
  const epoch = document.claim.epoch + 1
  return {
    ...document,
    nonce,
    claim: { epoch, owner, at },
    committed: { epoch, seq: document.committed.seq, nonce, at, by: 'operator', state },
    pending: null,
  }
}

/** The note that decides the document's pending state. */
export function noteOf({ pending }: CheckpointDocument): Note {
  if (pending === null) throw new Error('nothing is prepared')
  return { epoch: pending.epoch, seq: pending.seq, nonce: pending.nonce }
}
