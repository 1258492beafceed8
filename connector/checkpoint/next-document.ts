import { ConnectorError } from '../runtime/connector-error.ts'
import type { CheckpointDocument, CommittedState } from './checkpoint-document.ts'

/**
 * Says why a document is written. An opening claims, with a new index if the stream begins again; the owner of the
 * claim does the rest.
 */
export type DocumentWrite = 'claim' | 'claim with a new index' | 'prepare' | 'save' | 'leave'

/** Holds the stored document, and the one that is about to replace it. */
interface Replacement {
  /** This is the stored document. If its pending transaction was committed, that state is the committed one here. */
  readonly before: CheckpointDocument
  readonly after: CheckpointDocument
  /** `from` and `to` are the committed states of the two documents. */
  readonly from: CommittedState
  readonly to: CommittedState
}

/** Each rule is named by the fault that it looks for, and returns whether the write has it. */
type Rules = Readonly<Record<string, (replacement: Replacement) => boolean>>

const sameIndexRules: Rules = {
  'the committed state goes back': ({ before: { committed }, after }) =>
    after.committed.epoch < committed.epoch ||
    (after.committed.epoch === committed.epoch && after.committed.seq < committed.seq),
  'numbers of scans go back': ({ from, to }) => to.scans.begun < from.scans.begun,
  'the stream has another time of creation': ({ from: { scans }, to }) =>
    scans.createdAt !== null && to.scans.createdAt !== scans.createdAt,
  'the history is the first again': ({ from, to }) =>
    to.scans.history.state === 'first' && from.scans.history.state !== 'first',
  'a segment has numbers of events that are not committed': ({ to }) =>
    (to.index.segments.at(-1)?.to ?? 0) > to.nextEvent,
  'a rewind republishes events that are not committed': ({ to }) =>
    (to.scans.history.republished?.before ?? 0) > to.nextEvent,
}
const everyWriteRules: Rules = { 'event numbers go back': ({ from, to }) => to.nextEvent < from.nextEvent }
/** Invariant 4: a claim has a higher epoch than that of any replica before it. */
const claimRules: Rules = { 'the claim is not higher': ({ before, after }) => after.claim.epoch <= before.claim.epoch }
const ownerRules: Rules = { ...sameIndexRules, 'it is of another claim, state, rewind or index': isOfOtherClaim }
const nothingPendingRules: Rules = { 'something is pending': ({ after }) => after.pending !== null }
const hasOwnerRules: Rules = { 'nobody owns it': ({ after }) => after.claim.owner === null }
const noOwnerRules: Rules = { 'it has an owner': ({ after }) => after.claim.owner !== null }
const pendingRules: Rules = {
  'pending is not the next state of the claim': ({ after: { claim, committed, pending } }) =>
    pending?.epoch !== claim.epoch || pending.seq !== committed.seq + 1,
  'numbers of events or scans in pending go back': ({ after: { pending }, to }) =>
    pending !== null && (pending.change.nextEvent < to.nextEvent || pending.change.scans.begun < to.scans.begun),
}

/**
 * A claim with a new index is checked against two lists only. The other rules compare scans and index with the previous
 * ones, and after such a claim both are new.
 */
const rulesOf: Readonly<Record<DocumentWrite, readonly Rules[]>> = {
  'claim with a new index': [everyWriteRules, claimRules],
  claim: [everyWriteRules, sameIndexRules, claimRules, nothingPendingRules, hasOwnerRules],
  prepare: [everyWriteRules, ownerRules, hasOwnerRules, pendingRules],
  save: [everyWriteRules, ownerRules, nothingPendingRules, hasOwnerRules],
  leave: [everyWriteRules, ownerRules, nothingPendingRules, noOwnerRules],
}

function isOfOtherClaim({ before, after, from, to }: Replacement) {
  const { epoch, seq, nonce } = after.committed
  const { committed } = before
  return (
    after.claim.epoch !== before.claim.epoch ||
    after.rewound !== before.rewound ||
    epoch !== committed.epoch ||
    seq !== committed.seq ||
    nonce !== committed.nonce ||
    to.index.generation !== from.index.generation
  )
}

/** Invariants 2, 3, 4: throws `bug` instead of storing what could lose, repeat or reorder a change. */
export function mustFollow(write: DocumentWrite, before: CheckpointDocument, after: CheckpointDocument): void {
  const replacement = { before, after, from: before.committed.state, to: after.committed.state }
  const broken = rulesOf[write].flatMap((rules) => Object.keys(rules).filter((what) => rules[what]?.(replacement)))
  if (broken.length > 0) throw new ConnectorError('bug', `write checkpoint (${write}): ${broken.join(', ')}`)
}
