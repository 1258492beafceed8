import { resolve } from '../../connector/checkpoint/resolve.ts'
import type { Note } from '../../connector/publish/event-publisher.ts'
import { HOUR } from './model-world.ts'

type OpeningStep = 'document' | 'fence' | 'note'

/** What the design decides, each part of which can be broken on purpose. */
export interface Protocol {
  /** What an opening does, in this order. */
  readonly opening: readonly [OpeningStep, OpeningStep, OpeningStep]
  readonly initProducerId: 'fences and aborts' | 'does nothing'
  readonly puts: 'conditional' | 'unconditional'
  readonly claim: 'against the version read first' | 'against a version read after InitProducerId' | 'unconditional'
  readonly pending: 'in S3 before the end' | 'in S3 after the end' | 'never in S3'
  readonly stop: 'after reading again' | 'at once'
  readonly restore: 'after reading again' | 'at once'
  readonly lostStream: 'comes back when the group confirms it' | 'waits for a newer assignment'
  readonly resolve: typeof resolve
}

export const ours: Protocol = {
  opening: ['document', 'fence', 'note'],
  initProducerId: 'fences and aborts',
  puts: 'conditional',
  claim: 'against the version read first',
  pending: 'in S3 before the end',
  stop: 'after reading again',
  restore: 'after reading again',
  lostStream: 'comes back when the group confirms it',
  resolve,
}

const withoutPendingNote: typeof resolve = (document, known) => {
  const truth = resolve(document, known)
  return truth.kind === 'pending' ? { kind: 'committed' } : truth
}

const withoutExpiry: typeof resolve = (document, known) =>
  resolve(document, { ...known, retentionMs: Number.POSITIVE_INFINITY })

const trustingTheCommitted: typeof resolve = (document, known) =>
  document !== undefined && known.note === undefined ? { kind: 'committed' } : resolve(document, known)

/** As if Kafka never lost the end of a note. */
const withoutHanging: typeof resolve = (document, known) => resolve(document, { ...known, isHanging: false })

/** As if the clocks of all replicas were one. */
const withoutMargin: typeof resolve = (document, known) =>
  resolve(document, { ...known, retentionMs: known.retentionMs + HOUR })

/** By epoch and number alone. */
const withoutNonces: typeof resolve = (document, known) => {
  const { note } = known
  const is = (one: Note | null | undefined) => one?.epoch === note?.epoch && one?.seq === note?.seq
  const same = [document?.pending, document?.committed].find(is)
  return resolve(document, { ...known, note: note && { ...note, nonce: same?.nonce ?? note.nonce } })
}

/** Each has to be caught. */
export const broken = {
  'no fencing': { initProducerId: 'does nothing' },
  'no conditional PUT': { puts: 'unconditional' },
  'no prepare': { pending: 'never in S3' },
  'prepare after the end': { pending: 'in S3 after the end' },
  'document read after InitProducerId': { opening: ['fence', 'document', 'note'] },
  'note read before InitProducerId': { opening: ['document', 'note', 'fence'] },
  'claim without a condition': { claim: 'unconditional' },
  'claim conditional on a version read after InitProducerId': {
    claim: 'against a version read after InitProducerId',
  },
  'stop without reading the document again': { stop: 'at once' },
  'committed taken although the note is that of pending': { resolve: withoutPendingNote },
  'notes taken to be kept for ever': { resolve: withoutExpiry },
  'committed taken whenever there is no note': { resolve: trustingTheCommitted },
  'no margin for clocks that differ': { resolve: withoutMargin },
  'notes compared without their nonce': { resolve: withoutNonces },
  'a note that hangs not noticed': { resolve: withoutHanging },
  'a note restored without reading the document again': { restore: 'at once' },
  'a lost stream that waits for a newer assignment': { lostStream: 'waits for a newer assignment' },
} satisfies Record<string, Partial<Protocol>>
