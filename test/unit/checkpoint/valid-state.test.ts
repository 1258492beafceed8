import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { validState } from '../../../connector/checkpoint/valid-state.ts'
import type { FoundRecord } from '../../../connector/publish/event-publisher.ts'
import { DAY_MS, documentWith, now } from './documents.ts'

// Each row of the table in docs/decisions/20261126-recovery.md is a document beside a commit record.

const record = (epoch: number, seq: number, nonce: string): FoundRecord => ({
  kind: 'record',
  record: { epoch, seq, nonce, nextEvent: 4 },
})
const ofCommitted = record(4, 10, 'c')
const ofPending = record(4, 11, 'p')
const older = [record(4, 9, 'o'), record(3, 99, 'o')]
const none: FoundRecord = { kind: 'none' }
const unstable: FoundRecord = { kind: 'unstable' }

function valid(document: CheckpointDocument | undefined, foundRecord: FoundRecord, mayBegin = true): string {
  const state = validState(document, { foundRecord, mayBegin, now })
  switch (state.kind) {
    case 'hold':
      return state.code
    case 'committed':
      return state.recordFound ? 'committed' : 'committed, without its record'
    default:
      return state.kind
  }
}

const old = { at: now - DAY_MS }
const young = { at: now - DAY_MS + 1 }
const withoutRecord = { expectsRecord: false }
const committedOnly = documentWith({})
const withPending = documentWith({ pending: young })

describe('without a document', () => {
  test('a stream is new when there is no commit record, if its topic is empty or may be used with others', () => {
    expect(valid(undefined, none)).toBe('new')
    expect(valid(undefined, none, false)).toBe('checkpoint.topic-in-use')
  })

  test.each([
    ['one', ofCommitted],
    ['one without a marker', unstable],
  ])('a stream is held when there is a commit record: %s', (_what, found) =>
    expect(valid(undefined, found)).toBe('checkpoint.damaged'),
  )
})

describe('a document without a pending state', () => {
  test('is valid when Kafka has its record', () => expect(valid(committedOnly, ofCommitted)).toBe('committed'))

  test.each([
    ['expired, or was deleted', none],
    ['has lost its marker', unstable],
  ])('is valid when its record %s', (_what, found) =>
    expect(valid(committedOnly, found)).toBe('committed, without its record'),
  )

  test('is valid with an older record only if it has no record', () => {
    for (const found of older) {
      expect(valid(documentWith({ committed: withoutRecord }), found)).toBe('committed, without its record')
      expect(valid(committedOnly, found)).toBe('checkpoint.events-lost')
    }
  })
})

describe('a document with a pending state', () => {
  test('Invariant 2: resolves to pending when Kafka has the record of pending', () =>
    expect(valid(withPending, ofPending)).toBe('pending'))

  test('Invariant 2: resolves to committed when Kafka has the record of committed', () =>
    expect(valid(withPending, ofCommitted)).toBe('committed'))

  test('resolves to committed with an older record only if committed has no record', () => {
    for (const found of older) {
      expect(valid(documentWith({ committed: withoutRecord, pending: young }), found)).toBe(
        'committed, without its record',
      )
      expect(valid(withPending, found)).toBe('checkpoint.events-lost')
    }
  })

  test.each([
    ['committed, without its record', { committed: withoutRecord, pending: young }],
    ['committed, without its record', { committed: old, pending: young }],
    ['checkpoint.undecided', { committed: young, pending: young }],
    ['checkpoint.undecided', { committed: old, pending: old }],
    ['checkpoint.undecided', { committed: withoutRecord, pending: old }],
  ] as const)('is %s without a record: %j', (expected, parts) =>
    expect(valid(documentWith(parts), none)).toBe(expected),
  )

  test('is undecided when a record has lost its marker', () => {
    expect(valid(withPending, unstable)).toBe('checkpoint.undecided')
    expect(valid(documentWith({ committed: withoutRecord, pending: young }), unstable)).toBe('checkpoint.undecided')
  })
})

test.each([
  ['newer', record(5, 1, 'x')],
  ['of another state with the number of committed', record(4, 10, 'other')],
  ['of another state with the number of pending', record(4, 11, 'other')],
])('any document is held when the record is %s', (_how, found) => {
  for (const committed of [{}, withoutRecord])
    for (const pending of [null, young])
      expect(valid(documentWith({ committed, pending }), found)).toBe('checkpoint.rolled-back')
})
