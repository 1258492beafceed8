import { resolveState } from '../../../connector/checkpoint/resolve.ts'
import type { CommitRecord } from '../../../connector/publish/event-publisher.ts'

type OpeningStep = 'document' | 'fence' | 'record'

/** The decisions of the design. Each can be replaced by a defect. */
export interface Protocol {
  /** The steps of an opening, in this order. */
  readonly opening: readonly [OpeningStep, OpeningStep, OpeningStep]
  readonly initProducerId: 'fences and aborts' | 'does nothing'
  readonly puts: 'conditional' | 'unconditional'
  readonly claim: 'against the version read first' | 'against a version read after InitProducerId' | 'unconditional'
  readonly pending: 'in S3 before the commit' | 'in S3 after the commit' | 'never in S3'
  readonly stop: 'after reading again' | 'at once'
  readonly repair: 'after reading again' | 'at once'
  readonly hanging:
    | 'completed by its event numbers'
    | 'completed by the resolution alone'
    | 'left to the next marker'
    | 'always aborted'
  readonly commit: 'counts once its markers are confirmed' | 'counts at once'
  readonly topic: 'compared by id' | 'compared by name'
  readonly topicCreation: 'never where events were published' | 'wherever it is missing'
  readonly lostStream: 'is reopened when the group confirms it' | 'waits for a newer assignment'
  readonly resolve: typeof resolveState
}

/** The protocol as designed. */
export const designed: Protocol = {
  opening: ['document', 'fence', 'record'],
  initProducerId: 'fences and aborts',
  puts: 'conditional',
  claim: 'against the version read first',
  pending: 'in S3 before the commit',
  stop: 'after reading again',
  repair: 'after reading again',
  hanging: 'completed by its event numbers',
  commit: 'counts once its markers are confirmed',
  topic: 'compared by id',
  topicCreation: 'never where events were published',
  lostStream: 'is reopened when the group confirms it',
  resolve: resolveState,
}

const withoutPendingRecord: typeof resolveState = (document, known) => {
  const resolution = resolveState(document, known)
  return resolution.kind === 'pending' ? { ...resolution, kind: 'committed' } : resolution
}

const trustingTheCommitted: typeof resolveState = (document, known) =>
  document !== undefined && known.record === undefined
    ? { kind: 'committed', record: { kind: 'none' } }
    : resolveState(document, known)

/** Assumes that Kafka never loses the marker of a commit record. */
const withoutUnstable: typeof resolveState = (document, known) =>
  resolveState(document, { ...known, isUnstable: false })

/** Compares commit records by epoch and seq only. */
const withoutNonces: typeof resolveState = (document, known) => {
  const { record } = known
  const is = (one: CommitRecord | null | undefined) => one?.epoch === record?.epoch && one?.seq === record?.seq
  const same = [document?.pending, document?.committed].find(is)
  return resolveState(document, { ...known, record: record && { ...record, nonce: same?.nonce ?? record.nonce } })
}

/** The check must find each of these. */
export const defects = {
  'no fencing': { initProducerId: 'does nothing' },
  'no conditional PUT': { puts: 'unconditional' },
  'no prepare': { pending: 'never in S3' },
  'prepare after the commit': { pending: 'in S3 after the commit' },
  'document read after InitProducerId': { opening: ['fence', 'document', 'record'] },
  'commit record read before InitProducerId': { opening: ['document', 'record', 'fence'] },
  'unconditional claim': { claim: 'unconditional' },
  'claim conditional on a version read after InitProducerId': {
    claim: 'against a version read after InitProducerId',
  },
  'stop without reading the document again': { stop: 'at once' },
  'committed chosen although the record is that of pending': { resolve: withoutPendingRecord },
  'committed chosen whenever there is no record': { resolve: trustingTheCommitted },
  'records compared without their nonce': { resolve: withoutNonces },
  'an unstable record ignored': { resolve: withoutUnstable },
  'a repair without reading the document again': { repair: 'at once' },
  'a hanging transaction left to the next marker': { hanging: 'left to the next marker' },
  'a hanging transaction completed by the resolution alone': { hanging: 'completed by the resolution alone' },
  'a hanging transaction always aborted': { hanging: 'always aborted' },
  'a commit that counts before its markers are confirmed': { commit: 'counts at once' },
  'a topic compared by name': { topic: 'compared by name' },
  'a lost topic created again': { topicCreation: 'wherever it is missing', topic: 'compared by name' },
  'a lost stream that waits for a newer assignment': { lostStream: 'waits for a newer assignment' },
} satisfies Record<string, Partial<Protocol>>
