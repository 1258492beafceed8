import { ConnectorError } from '../runtime/connector-error.ts'
import type { CheckpointDocument, CommittedState } from './checkpoint-document.ts'

/** Who writes a document: an opening, which may let the stream begin again, or the owner of the claim. */
export type DocumentWrite = 'claim' | 'claim anew' | 'prepare' | 'save' | 'leave'

/** What is stored, and what is about to replace it. */
interface Change {
  /** With its `pending` as committed, if the transaction of that was. */
  readonly before: CheckpointDocument
  readonly after: CheckpointDocument
  /** The committed states of both. */
  readonly from: CommittedState
  readonly to: CommittedState
}

/** What must not be true of a write, each with its name. */
type Rules = Readonly<Record<string, (change: Change) => boolean>>

const inOneIndex: Rules = {
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
const ofAll: Rules = { 'event numbers go back': ({ from, to }) => to.nextEvent < from.nextEvent }
/** Invariant 4: a claim is higher than that of any replica before it. */
const ofOpening: Rules = { 'the claim is not higher': ({ before, after }) => after.claim.epoch <= before.claim.epoch }
const ofOwner: Rules = { ...inOneIndex, 'it is of another claim, state, rewind or index': isOther }
const settled: Rules = { 'something is pending': ({ after }) => after.pending !== null }
const owned: Rules = { 'nobody owns it': ({ after }) => after.claim.owner === null }
const left: Rules = { 'it has an owner': ({ after }) => after.claim.owner !== null }
const ofPending: Rules = {
  'pending is not the next state of the claim': ({ after: { claim, committed, pending } }) =>
    pending?.epoch !== claim.epoch || pending.seq !== committed.seq + 1,
  'numbers of events or scans in pending go back': ({ after: { pending }, to }) =>
    pending !== null && (pending.change.nextEvent < to.nextEvent || pending.change.scans.begun < to.scans.begun),
}

/** A stream that begins again has new scans and a new index. */
const rulesOf: Readonly<Record<DocumentWrite, readonly Rules[]>> = {
  'claim anew': [ofAll, ofOpening],
  claim: [ofAll, inOneIndex, ofOpening, settled, owned],
  prepare: [ofAll, ofOwner, owned, ofPending],
  save: [ofAll, ofOwner, settled, owned],
  leave: [ofAll, ofOwner, settled, left],
}

function isOther({ before, after, from, to }: Change): boolean {
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
  const change = { before, after, from: before.committed.state, to: after.committed.state }
  const broken = rulesOf[write].flatMap((rules) => Object.keys(rules).filter((what) => rules[what]?.(change)))
  if (broken.length > 0) throw new ConnectorError('bug', `write checkpoint (${write}): ${broken.join(', ')}`)
}
