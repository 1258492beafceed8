import type { SeenControl } from '../control/stream-requests.ts'
import type { IndexState } from '../index/index-state.ts'
import type { CommitRecord } from '../publish/event-publisher.ts'
import { type CheckpointDocument, type Committed, FORMAT, type StreamIdentity } from './checkpoint-document.ts'
import { type StateChange, type StreamState, stateAfter } from './stream-state.ts'

/** Transitions of the checkpoint document. Each function returns what to write next. All are pure. */

/** The nonce and the time (ms since 1970) of a write. */
export interface Stamp {
  readonly nonce: string
  readonly at: number
}

/** The replica that claims, and the id of its transactional producer. */
export interface Claimant extends Stamp {
  readonly owner: string
  readonly producerId: string
}

/** The first document of a stream. */
export function firstDocument(identity: StreamIdentity, state: StreamState, claimant: Claimant): CheckpointDocument {
  const { nonce, at, owner, producerId } = claimant
  return {
    format: FORMAT,
    nonce,
    ...identity,
    producerId,
    movedTo: null,
    control: { revision: 0, pause: null },
    claim: { epoch: 1, owner, at },
    committed: { epoch: 1, seq: 0, nonce, at, hasRecord: false, state },
    pending: null,
  }
}

/** The committed state after `pending` was decided by its commit record. */
export function committedByRecord({ committed, pending }: CheckpointDocument): Committed {
  if (pending === null) return committed
  const { change, ...decision } = pending
  return { ...decision, hasRecord: true, state: stateAfter(committed.state, change) }
}

/** Invariant 4: a claim writes a higher epoch, with the resolved state and nothing pending. */
export function claimed(
  document: CheckpointDocument,
  committed: Committed,
  claim: Claimant & { identity: StreamIdentity },
): CheckpointDocument {
  const { nonce, at, owner, producerId, identity } = claim
  const hasMoved = identity.source.url !== document.source.url
  return {
    ...document,
    nonce,
    ...identity,
    producerId,
    claim: { epoch: document.claim.epoch + 1, owner, at },
    committed: hasMoved ? unproven(committed) : committed,
    pending: null,
  }
}

/** A new server must prove again that it keeps scans apart. */
function unproven(committed: Committed): Committed {
  const { state } = committed
  return { ...committed, state: { ...state, scans: { ...state.scans, interleaving: 'unknown' } } }
}

/** Prepares the next transaction. */
export function prepared(document: CheckpointDocument, change: StateChange, stamp: Stamp): CheckpointDocument {
  const { nonce, at } = stamp
  return {
    ...document,
    nonce,
    pending: { epoch: document.claim.epoch, seq: document.committed.seq + 1, nonce, at, change },
  }
}

/** Marks the prepared transaction as decided. */
export function decided(document: CheckpointDocument): CheckpointDocument {
  if (document.pending === null) throw new Error('nothing is prepared')
  return { ...document, committed: committedByRecord(document), pending: null }
}

/** Changes the committed state without a transaction; its decision (epoch, seq, nonce, time) stays. */
export function moved(
  document: CheckpointDocument,
  change: StateChange | undefined,
  nonce: string,
): CheckpointDocument {
  const { committed } = document
  const state = change === undefined ? committed.state : stateAfter(committed.state, change)
  return { ...document, nonce, committed: { ...committed, state }, pending: null }
}

/** The same committed state with its client index stored in another way. */
export function represented(document: CheckpointDocument, index: IndexState): CheckpointDocument {
  const { committed } = document
  return { ...document, committed: { ...committed, state: { ...committed.state, index } } }
}

/** The document with what its writer knows of the control object. */
export function withSeenControl(document: CheckpointDocument, seen: SeenControl | undefined): CheckpointDocument {
  return seen === undefined || seen.revision < document.control.revision ? document : { ...document, control: seen }
}

/** A state set by an operator: it gets the next epoch and has no commit record. */
export function setByOperator(
  document: CheckpointDocument,
  state: StreamState,
  claimant: Claimant,
): CheckpointDocument {
  const { nonce, at, owner, producerId } = claimant
  const epoch = document.claim.epoch + 1
  return {
    ...document,
    nonce,
    producerId,
    movedTo: null,
    claim: { epoch, owner, at },
    committed: { epoch, seq: document.committed.seq, nonce, at, hasRecord: false, state },
    pending: null,
  }
}

/** The document of a renamed stream under its new name, whose epoch is above those that were used with that name. */
export function renamed(
  document: CheckpointDocument,
  identity: Omit<StreamIdentity, 'destination'>,
  { nonce, at, owner, usedEpoch }: Omit<Claimant, 'producerId'> & { readonly usedEpoch: number },
): CheckpointDocument {
  const epoch = Math.max(document.claim.epoch, usedEpoch) + 1
  return {
    ...document,
    ...identity,
    nonce,
    producerId: null,
    movedTo: null,
    control: { ...document.control, pause: null },
    claim: { epoch, owner, at },
    committed: { ...document.committed, epoch, nonce, at, hasRecord: false },
  }
}

/** The commit record that decides the document's pending state. */
export function recordOf({ pending }: CheckpointDocument): CommitRecord {
  if (pending === null) throw new Error('nothing is prepared')
  const { epoch, seq, nonce, change } = pending
  return { epoch, seq, nonce, events: change.events }
}
