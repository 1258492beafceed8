import { emptyIndex, type IndexState, withEntries } from '../index/index-state.ts'
import type { CommitRecord } from '../publish/event-publisher.ts'
import { withoutPlaces } from '../scan/begin-scan.ts'
import { newScans } from '../scan/scan-state.ts'
import {
  type CheckpointDocument,
  type Committed,
  FORMAT,
  type StateChange,
  type StreamIdentity,
  type StreamState,
} from './checkpoint-document.ts'

/** Transitions of the checkpoint document. Each function returns what to write next. All are pure. */

/** The state after the change. Pure. */
export function stateAfter({ index }: StreamState, { entries, ...reached }: StateChange): StreamState {
  return { ...reached, index: withEntries(index, entries) }
}

/** The state of a stream that has read nothing yet. */
export const beginning: StreamState = {
  scans: newScans,
  events: 0,
  mapping: null,
  index: emptyIndex,
}

/** The nonce and the time (ms since 1970) of a write. */
export interface Stamp {
  readonly nonce: string
  readonly at: number
}

/** The replica that claims, and the id of its transactional producer. */
export interface Claimant extends Stamp {
  readonly owner: string
  readonly producerId: string
  readonly identity: StreamIdentity
}

/** The first document of a stream. A stream that begins again has a higher epoch. */
export function firstDocument(state: StreamState, claimant: Claimant, epoch = 1): CheckpointDocument {
  const { nonce, at, owner, producerId, identity } = claimant
  return {
    format: FORMAT,
    nonce,
    ...identity,
    producerId,
    rewound: null,
    claim: { epoch, owner, at },
    committed: { epoch, seq: 0, nonce, at, hasRecord: false, state },
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
export function claimed(document: CheckpointDocument, committed: Committed, claim: Claimant): CheckpointDocument {
  const { nonce, at, owner, producerId, identity } = claim
  const hasMoved = identity.source.url !== document.source.url
  return {
    ...document,
    nonce,
    ...identity,
    producerId,
    claim: { epoch: document.claim.epoch + 1, owner, at },
    committed: hasMoved ? atAnotherAddress(committed) : committed,
    pending: null,
  }
}

/** The tokens of a server say nothing to one at another address. */
function atAnotherAddress(committed: Committed): Committed {
  const { state } = committed
  return { ...committed, state: { ...state, scans: withoutPlaces(state.scans) } }
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

/** The document of a stream that its owner has stopped or paused. */
export function left(document: CheckpointDocument): CheckpointDocument {
  return { ...document, claim: { ...document.claim, owner: null } }
}

/** The commit record that decides the document's pending state. */
export function recordOf({ pending }: CheckpointDocument): CommitRecord {
  if (pending === null) throw new Error('nothing is prepared')
  const { epoch, seq, nonce, change } = pending
  return { epoch, seq, nonce, events: change.events }
}
