import { describe, expect, test } from 'vitest'
import {
  type CheckpointDocument,
  type CommittedState,
  documentAfterCommit,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { mustFollow, type WriteReason } from '../../../connector/checkpoint/next-document.ts'
import { stateOfNewBeginning, stateReadingHistoryAgain } from '../../../connector/checkpoint/rewind.ts'
import { documentOfPrepare } from '../../../connector/checkpoint/transitions.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { historyOf } from '../../support/scans.ts'
import { beginAt, settings } from '../scan/scans.ts'
import { change, documentWith, indexed, now } from './documents.ts'

/** Shows for each kind of write what may follow, and each rule broken alone. */

const state: CommittedState = {
  ...indexed,
  scans: { ...indexed.scans, createdAt: 7, lastScanNumber: 3, history: historyOf('again') },
  index: {
    ...indexed.index,
    segments: [{ name: '4-a', tier: 0, from: 0, to: 1, entries: 1, hasUnknown: false, sha256: '' }],
  },
}
const before = documentWith({ committed: { state } })
const next = documentOfPrepare(before, { ...change, scans: state.scans }, { nonce: 'n', at: now })
const ownerless = (document: CheckpointDocument) => ({ ...document, claim: { ...document.claim, owner: null } })
const claim = (document: CheckpointDocument) => ({ ...document, claim: { ...document.claim, epoch: 5 }, pending: null })
const withState = (document: CheckpointDocument, more: Partial<CommittedState>): CheckpointDocument => {
  const { committed } = document
  return { ...document, committed: { ...committed, state: { ...committed.state, ...more } } }
}
const rewind = { id: 'r', to: null, republish: true, confirmedDocument: null }
const again = stateOfNewBeginning({ document: before, record: undefined, now }, rewind, beginAt)
const claimWithNewIndex = {
  ...claim(before),
  committed: { ...before.committed, epoch: 5, seq: 0, nonce: 'n', state: again },
}

const written: Record<WriteReason, CheckpointDocument> = {
  claim: claim(before),
  'claim with a new index': claimWithNewIndex,
  prepare: next,
  save: before,
  leave: ownerless(before),
}
const writes = Object.keys(written) as WriteReason[]
const inOneIndex = writes.filter((write) => write !== 'claim with a new index')
const ofOwner = inOneIndex.filter((write) => write !== 'claim')

const follows = (write: WriteReason, after: CheckpointDocument, from = before) => mustFollow(write, from, after)

describe('a document may follow', () => {
  test.each(writes)('the one stored last, when it is a %s', (write) => {
    expect(() => follows(write, written[write])).not.toThrow()
  })

  test('one whose transaction was committed', () => {
    const committed = documentAfterCommit(next)
    for (const write of ['claim', 'save'] as const)
      expect(() => follows(write, write === 'claim' ? claim(committed) : committed, committed)).not.toThrow()
  })

  test('one whose transaction was aborted, with smaller numbers than that had', () => {
    expect(() => follows('claim', claim(before), next)).not.toThrow()
  })

  test('a rewind, and a stream that begins again with scans, a history and an index of its own', () => {
    const applied = { beginAt, settings, now, table: clientTable() }
    expect(() =>
      follows('claim', {
        ...withState(claim(before), stateReadingHistoryAgain(state, rewind, applied)),
        appliedRewind: 'r',
      }),
    ).not.toThrow()
    expect(claimWithNewIndex.committed.state.scans).toMatchObject({
      createdAt: null,
      lastScanNumber: 0,
      history: { state: 'first' },
    })
  })
})

type Broken = readonly [
  rule: string,
  writes: readonly WriteReason[],
  (document: CheckpointDocument) => CheckpointDocument,
]

const scans = (more: Partial<CommittedState['scans']>) => (document: CheckpointDocument) =>
  withState(document, { scans: { ...document.committed.state.scans, ...more } })
const pending = (more: Partial<NonNullable<CheckpointDocument['pending']>>) => (document: CheckpointDocument) => ({
  ...document,
  pending: next.pending && { ...next.pending, ...more },
})
const committed = (more: Partial<CheckpointDocument['committed']>) => (document: CheckpointDocument) => ({
  ...document,
  committed: { ...document.committed, ...more },
})

const broken: readonly Broken[] = [
  ['the committed state goes back', inOneIndex, committed({ seq: 9 })],
  ['the committed state goes back', inOneIndex, committed({ epoch: 3, seq: 99 })],
  ['event numbers go back', writes, (document) => withState(document, { nextEvent: 1, index: indexed.index })],
  ['numbers of scans go back', inOneIndex, scans({ lastScanNumber: 2 })],
  ['the stream has another time of creation', inOneIndex, scans({ createdAt: null })],
  ['the stream has another time of creation', inOneIndex, scans({ createdAt: 8 })],
  ['the history is the first again', inOneIndex, scans({ history: historyOf('first') })],
  [
    'a segment has numbers of events that are not committed',
    inOneIndex,
    (document) => {
      const { index } = document.committed.state
      return withState(document, { index: { ...index, segments: index.segments.map((one) => ({ ...one, to: 3 })) } })
    },
  ],
  [
    'a rewind republishes events that are not committed',
    inOneIndex,
    scans({ history: historyOf('again', { republication: { id: 'r', beforeEvent: 3, isIndexNew: false } }) }),
  ],
  [
    'the claim is not higher',
    ['claim', 'claim with a new index'],
    (document) => ({ ...document, claim: { ...document.claim, epoch: 4 } }),
  ],
  ['something is pending', ['claim', 'save', 'leave'], pending({})],
  ['nobody owns it', ['claim', 'prepare', 'save'], ownerless],
  ['it has an owner', ['leave'], (document) => ({ ...document, claim: { ...document.claim, owner: 'replica-1' } })],
  ...[
    (document: CheckpointDocument) => ({ ...document, claim: { ...document.claim, epoch: 5 } }),
    committed({ epoch: 5 }),
    committed({ seq: 11 }),
    committed({ nonce: 'other' }),
    (document: CheckpointDocument) => ({ ...document, appliedRewind: 'other' }),
    (document: CheckpointDocument) =>
      withState(document, { index: { ...document.committed.state.index, generation: 4 } }),
  ].map((make): Broken => ['it is of another claim, state, rewind or index', ofOwner, make]),
  ['pending is not the next state of the claim', ['prepare'], pending({ epoch: 3 })],
  ['pending is not the next state of the claim', ['prepare'], pending({ seq: 12 })],
  ['pending is not the next state of the claim', ['prepare'], (document) => ({ ...document, pending: null })],
  [
    'numbers of events or scans in pending go back',
    ['prepare'],
    pending({ change: { ...change, nextEvent: 1, scans: state.scans } }),
  ],
  [
    'numbers of events or scans in pending go back',
    ['prepare'],
    pending({ change: { ...change, scans: { ...state.scans, lastScanNumber: 2 } } }),
  ],
]

describe('a document that breaks a rule is a defect of the connector', () => {
  test.each(broken)('%s: %s (case %#)', (rule, of, make) => {
    for (const write of of) {
      let error: unknown
      try {
        follows(write, make(written[write]))
      } catch (thrown) {
        error = thrown
      }
      expect(codeOf(error), write).toBe('bug')
      expect(String(error), write).toContain(rule)
    }
  })

  test('which every other write may do', () => {
    for (const [rule, of, make] of broken) {
      for (const write of writes.filter((one) => !of.includes(one))) {
        try {
          follows(write, make(written[write]))
        } catch (error) {
          expect(String(error), `${rule}, ${write}`).not.toContain(rule)
        }
      }
    }
  })
})
