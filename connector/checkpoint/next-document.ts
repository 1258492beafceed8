import { ConnectorError } from '../runtime/connector-error.ts'
import type { CheckpointDocument, CommittedState } from './checkpoint-document.ts'

/**
 * Says why a document is written. An opening claims, with a new index if the stream begins again; the owner of the
 * claim does the rest.
 */
export type WriteReason = 'claim' | 'claim with a new index' | 'prepare' | 'save' | 'leave'

/** Holds the document to follow, and the one that is about to replace it. */
interface Replacement {
  /** It was stored last. If its pending transaction was committed, its pending state is the committed one here. */
  readonly before: CheckpointDocument
  readonly after: CheckpointDocument
  /** These are the committed states of the two documents. */
  readonly committedStateBefore: CommittedState
  readonly committedStateAfter: CommittedState
}

/** Each rule is named by the fault that it looks for, and returns whether the write has it. */
type Rules = Readonly<Record<string, (replacement: Replacement) => boolean>>

const continuationRules: Rules = {
  'the committed state goes back': ({ before: { committed }, after }) =>
    after.committed.epoch < committed.epoch ||
    (after.committed.epoch === committed.epoch && after.committed.seq < committed.seq),
  'numbers of scans go back': ({ committedStateBefore, committedStateAfter }) =>
    committedStateAfter.scans.lastScanNumber < committedStateBefore.scans.lastScanNumber,
  'the stream has another time of creation': ({ committedStateBefore: { scans }, committedStateAfter }) =>
    scans.createdAt !== null && committedStateAfter.scans.createdAt !== scans.createdAt,
  'the history is the first again': ({ committedStateBefore, committedStateAfter }) =>
    committedStateAfter.scans.history.state === 'first' && committedStateBefore.scans.history.state !== 'first',
  'a segment has numbers of events that are not committed': ({ committedStateAfter }) =>
    (committedStateAfter.index.segments.at(-1)?.to ?? 0) > committedStateAfter.nextEvent,
  'a rewind republishes events that are not committed': ({ committedStateAfter }) =>
    (committedStateAfter.scans.history.republication?.beforeEvent ?? 0) > committedStateAfter.nextEvent,
}
const everyWriteRules: Rules = {
  'event numbers go back': ({ committedStateBefore, committedStateAfter }) =>
    committedStateAfter.nextEvent < committedStateBefore.nextEvent,
}
/** Invariant 4: a claim has a higher epoch than that of any replica before it. */
const claimRules: Rules = { 'the claim is not higher': ({ before, after }) => after.claim.epoch <= before.claim.epoch }
const ownerRules: Rules = {
  ...continuationRules,
  'it is of another claim, state, rewind or index': differsInWhatOwnersKeep,
}
const nothingPendingRules: Rules = { 'something is pending': ({ after }) => after.pending !== null }
const hasOwnerRules: Rules = { 'nobody owns it': ({ after }) => after.claim.owner === null }
const noOwnerRules: Rules = { 'it has an owner': ({ after }) => after.claim.owner !== null }
const pendingRules: Rules = {
  'pending is not the next state of the claim': ({ after: { claim, committed, pending } }) =>
    pending?.epoch !== claim.epoch || pending.seq !== committed.seq + 1,
  'numbers of events or scans in pending go back': ({ after: { pending }, committedStateAfter }) =>
    pending !== null &&
    (pending.change.nextEvent < committedStateAfter.nextEvent ||
      pending.change.scans.lastScanNumber < committedStateAfter.scans.lastScanNumber),
}

/**
 * A claim with a new index is checked against fewer lists than another claim. Most of `continuationRules` compare scans
 * and index with the previous ones, and here both are new. `nothingPendingRules` and `hasOwnerRules` could not fail:
 * such a document is made with an owner and with nothing pending.
 */
const rulesOf: Readonly<Record<WriteReason, readonly Rules[]>> = {
  'claim with a new index': [everyWriteRules, claimRules],
  claim: [everyWriteRules, continuationRules, claimRules, nothingPendingRules, hasOwnerRules],
  prepare: [everyWriteRules, ownerRules, hasOwnerRules, pendingRules],
  save: [everyWriteRules, ownerRules, nothingPendingRules, hasOwnerRules],
  leave: [everyWriteRules, ownerRules, nothingPendingRules, noOwnerRules],
}

function differsInWhatOwnersKeep({ before, after, committedStateBefore, committedStateAfter }: Replacement) {
  const { epoch, seq, nonce } = after.committed
  const { committed } = before
  return (
    after.claim.epoch !== before.claim.epoch ||
    after.appliedRewind !== before.appliedRewind ||
    epoch !== committed.epoch ||
    seq !== committed.seq ||
    nonce !== committed.nonce ||
    committedStateAfter.index.generation !== committedStateBefore.index.generation
  )
}

/**
 * Invariants 2, 3, 4: every document passes this check before it is stored. Throws `bug` if storing `after` could lose,
 * repeat or reorder a change.
 */
export function mustFollow(reason: WriteReason, before: CheckpointDocument, after: CheckpointDocument): void {
  const replacement = {
    before,
    after,
    committedStateBefore: before.committed.state,
    committedStateAfter: after.committed.state,
  }
  const faults = rulesOf[reason].flatMap((rules) => Object.keys(rules).filter((fault) => rules[fault]?.(replacement)))
  if (faults.length > 0) throw new ConnectorError('bug', `write checkpoint (${reason}): ${faults.join(', ')}`)
}
