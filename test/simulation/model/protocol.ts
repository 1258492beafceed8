import { validState } from '../../../connector/checkpoint/valid-state.ts'
import type { RecordKey } from '../../../connector/publish/event-publisher.ts'
import { DAY_MS } from '../../../connector/runtime/clock.ts'

type OpeningStep = 'document' | 'wishes' | 'fence' | 'record'

/** The decisions of the design. Each can be replaced by a defect. */
export interface Protocol {
  /** The steps of an opening, in this order. */
  readonly opening: readonly OpeningStep[]
  readonly initProducerId: 'fences and aborts' | 'does nothing'
  readonly puts: 'conditional' | 'unconditional'
  readonly claim: 'against the version read first' | 'against any version'
  readonly prepare: 'stored before the events are sent' | 'beside the events' | 'never stored'
  readonly hold: 'after reading again' | 'at once'
  readonly repair: 'after reading again' | 'at once'
  readonly hanging: 'completed by the resolution' | 'left to the next marker' | 'always aborted'
  readonly commit: 'counts once its markers are confirmed' | 'counts at once'
  readonly topic: 'compared by id' | 'compared by name'
  readonly pages: 'discarded by an opening' | 'kept over an opening'
  readonly wishes: 'seen' | 'not seen'
  readonly afterClaim: 'looks at the wishes' | 'looks at nothing'
  readonly pause: 'reported once nobody owns the document' | 'reported at once' | 'reported without waiting for the PUT'
  readonly rewound: 'stored by the claim' | 'not stored'
  readonly clearing: 'after the claim' | 'before the claim'
  readonly rewind: 'never skips' | 'goes to its time'
  readonly yes: 'for one document' | 'for any document'
  readonly erasure: 'looks and asks' | 'does not look first' | 'does not ask whether it was fenced'
  readonly validState: typeof validState
}

/** The protocol as designed. */
export const designed: Protocol = {
  opening: ['document', 'wishes', 'fence', 'record'],
  initProducerId: 'fences and aborts',
  puts: 'conditional',
  claim: 'against the version read first',
  prepare: 'stored before the events are sent',
  hold: 'after reading again',
  repair: 'after reading again',
  hanging: 'completed by the resolution',
  commit: 'counts once its markers are confirmed',
  topic: 'compared by id',
  pages: 'discarded by an opening',
  wishes: 'seen',
  afterClaim: 'looks at the wishes',
  pause: 'reported once nobody owns the document',
  rewound: 'stored by the claim',
  clearing: 'after the claim',
  rewind: 'never skips',
  yes: 'for one document',
  erasure: 'looks and asks',
  validState,
}

/** Takes an old pending state as young. */
const withoutAge: typeof validState = (states, known) =>
  validState(states?.pending ? { ...states, pending: { ...states.pending, at: known.now } } : states, known)

/** Takes `committed` wherever there is no record. */
const trustingTheCommitted: typeof validState = (states, known) =>
  states !== undefined && known.foundRecord.kind === 'none'
    ? { kind: 'committed', recordFound: false }
    : validState(states, known)

const withoutPending: typeof validState = (states, known) => {
  const valid = validState(states, known)
  return valid.kind === 'pending' ? { kind: 'committed', recordFound: false } : valid
}

/** Assumes that Kafka never loses the marker of a commit record. */
const withoutUnstable: typeof validState = (states, known) =>
  states !== undefined && known.foundRecord.kind === 'unstable'
    ? { kind: 'committed', recordFound: false }
    : validState(states, known)

/** Compares commit records by epoch and seq only. */
const withoutNonces: typeof validState = (states, known) => {
  const { foundRecord } = known
  if (foundRecord.kind !== 'record') return validState(states, known)
  const { record } = foundRecord
  const is = (one: RecordKey | null | undefined) => one?.epoch === record.epoch && one.seq === record.seq
  const nonce = [states?.pending, states?.committed].find(is)?.nonce ?? record.nonce
  return validState(states, { ...known, foundRecord: { kind: 'record', record: { ...record, nonce } } })
}

/** The check must find each of these. */
export const defects = {
  'no fencing': { initProducerId: 'does nothing' },
  'no conditional PUT': { puts: 'unconditional' },
  'a claim against any version': { claim: 'against any version' },
  'the document read after the fence': { opening: ['fence', 'document', 'wishes', 'record'] },
  'the commit record read before the fence': { opening: ['document', 'wishes', 'record', 'fence'] },
  'no start-over when the document has changed': { hold: 'at once' },
  'events sent before their prepare is stored': { prepare: 'beside the events' },
  'no prepare': { prepare: 'never stored' },
  'a page kept over an opening': { pages: 'kept over an opening' },
  'committed chosen although the record is that of pending': { validState: withoutPending },
  'committed chosen whenever there is no record': { validState: trustingTheCommitted },
  'an old pending taken as young': { validState: withoutAge },
  'records compared without their nonce': { validState: withoutNonces },
  'an unstable record ignored': { validState: withoutUnstable },
  'a repair without reading the document again': { repair: 'at once' },
  'a hanging transaction left to the next marker': { hanging: 'left to the next marker' },
  'a hanging transaction always aborted': { hanging: 'always aborted' },
  'a commit that counts before its markers are confirmed': { commit: 'counts at once' },
  'a topic compared by name': { topic: 'compared by name' },
  'a pause not seen': { wishes: 'not seen' },
  'a pause reported without waiting for the owner': { pause: 'reported at once' },
  'a pause reported although its PUT may not be stored': { pause: 'reported without waiting for the PUT' },
  'wishes not looked at after the claim': { afterClaim: 'looks at nothing' },
  'a rewind applied twice': { rewound: 'not stored' },
  'a rewind lost': { clearing: 'before the claim' },
  'a rewind that skips': { rewind: 'goes to its time' },
  'an old yes that cures a later hold': { yes: 'for any document' },
  'an erasure that does not look first': { erasure: 'does not look first' },
  'an erasure that does not ask whether it was fenced': { erasure: 'does not ask whether it was fenced' },
} satisfies Record<string, Partial<Protocol>>

export type Defect = keyof typeof defects

/** Half a day. */
export const UNIT_MS = DAY_MS / 2
