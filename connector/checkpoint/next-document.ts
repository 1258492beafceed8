import { ConnectorError } from '../runtime/connector-error.ts'
import type { CheckpointDocument } from './checkpoint-document.ts'

/** Who writes a document: an opening, which may let the stream begin again, or the owner of the claim. */
export type DocumentWrite = 'claim' | 'claim anew' | 'prepare' | 'save' | 'leave'

/** What is stored, and what is about to replace it. */
interface Change {
  /** With its `pending` as committed, if the transaction of that was. */
  readonly before: CheckpointDocument
  readonly after: CheckpointDocument
}

interface Rule {
  readonly what: string
  readonly of: readonly DocumentWrite[]
  readonly isBroken: (change: Change) => boolean
}

const ofOwner: readonly DocumentWrite[] = ['prepare', 'save', 'leave']
const inOneIndex: readonly DocumentWrite[] = ['claim', ...ofOwner]

const rules: readonly Rule[] = [
  // Each write.
  { what: 'the committed state goes back', of: inOneIndex, isBroken: isBack },
  {
    what: 'event numbers go back',
    of: ['claim anew', ...inOneIndex],
    isBroken: ({ before, after }) => after.committed.state.nextEvent < before.committed.state.nextEvent,
  },
  {
    what: 'numbers of scans go back',
    of: inOneIndex,
    isBroken: ({ before, after }) => scansOf(after).begun < scansOf(before).begun,
  },
  {
    what: 'the stream has another time of creation',
    of: inOneIndex,
    isBroken: ({ before, after }) => {
      const { createdAt } = scansOf(before)
      return createdAt !== null && scansOf(after).createdAt !== createdAt
    },
  },
  {
    what: 'the history is the first again',
    of: inOneIndex,
    isBroken: ({ before, after }) =>
      scansOf(after).history.state === 'first' && scansOf(before).history.state !== 'first',
  },
  {
    what: 'a segment has numbers of events that are not committed',
    of: inOneIndex,
    isBroken: ({ after: { committed } }) =>
      (committed.state.index.segments.at(-1)?.to ?? 0) > committed.state.nextEvent,
  },
  {
    what: 'a rewind republishes events that are not committed',
    of: inOneIndex,
    isBroken: ({ after }) => (scansOf(after).history.republished?.before ?? 0) > after.committed.state.nextEvent,
  },
  // Writes of an opening. Invariant 4: its claim is higher than that of any replica before it.
  {
    what: 'the claim is not higher',
    of: ['claim', 'claim anew'],
    isBroken: ({ before, after }) => after.claim.epoch <= before.claim.epoch,
  },
  {
    what: 'something is pending',
    of: ['claim', 'save', 'leave'],
    isBroken: ({ after }) => after.pending !== null,
  },
  { what: 'nobody owns it', of: ['claim', 'prepare', 'save'], isBroken: ({ after }) => after.claim.owner === null },
  // Writes of its owner.
  { what: 'it has an owner', of: ['leave'], isBroken: ({ after }) => after.claim.owner !== null },
  { what: 'it is of another claim, state, rewind or index', of: ofOwner, isBroken: isOther },
  {
    what: 'pending is not the next state of the claim',
    of: ['prepare'],
    isBroken: ({ after: { claim, committed, pending } }) =>
      pending === null || pending.epoch !== claim.epoch || pending.seq !== committed.seq + 1,
  },
  {
    what: 'numbers of events or scans in pending go back',
    of: ['prepare'],
    isBroken: ({ after: { committed, pending } }) =>
      pending !== null &&
      (pending.change.nextEvent < committed.state.nextEvent ||
        pending.change.scans.begun < committed.state.scans.begun),
  },
]

const scansOf = ({ committed }: CheckpointDocument) => committed.state.scans

function isBack({ before: { committed }, after }: Change): boolean {
  const { epoch, seq } = after.committed
  return epoch < committed.epoch || (epoch === committed.epoch && seq < committed.seq)
}

function isOther({ before, after }: Change): boolean {
  const { epoch, seq, nonce, state } = after.committed
  const { committed } = before
  return (
    after.claim.epoch !== before.claim.epoch ||
    after.rewound !== before.rewound ||
    epoch !== committed.epoch ||
    seq !== committed.seq ||
    nonce !== committed.nonce ||
    state.index.generation !== committed.state.index.generation
  )
}

/**
 * Invariants 2, 3 and 4: throws `bug` instead of storing a document with which a change could be lost, repeated or
 * reordered. A stream that begins again has new scans and a new index.
 */
export function mustFollow(write: DocumentWrite, change: Change): void {
  const broken = rules.filter(({ of, isBroken }) => of.includes(write) && isBroken(change))
  if (broken.length === 0) return
  throw new ConnectorError('bug', `write checkpoint (${write}): ${broken.map(({ what }) => what).join(', ')}`)
}
