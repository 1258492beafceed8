import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { type KeptEvent, type Known, keptEvent, matchOf, resolveState } from '../../../connector/checkpoint/resolve.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import type { IndexEntry } from '../../../connector/index/index-entry.ts'
import type { EventMatch } from '../../../connector/publish/event-publisher.ts'
import { entry, key } from '../index/entries.ts'
import { DAY_MS, documentWith, HOUR_MS, now, state } from './documents.ts'

const record = (epoch: number, seq: number, nonce: string) => ({ epoch, seq, nonce })
const ofCommitted = record(4, 10, 'c')
const ofPending = record(4, 11, 'p')
const older = record(4, 9, 'o')
const newer = record(5, 1, 'x')
const retentionMs = 7 * DAY_MS
const pendingOnly = ['of pending'] as const
const committedOnly = ['last of committed'] as const

/** The resolution; if it needs an event scan, the resolution with these events visible. */
function resolved(
  document: CheckpointDocument | undefined,
  found: ReturnType<typeof record> | undefined,
  { isUnstable = false, visible = [] }: { isUnstable?: boolean; visible?: readonly EventMatch[] } = {},
) {
  const known: Known = { record: found, isUnstable, now, retentionMs }
  const first = resolveState(document, known)
  const final = first.kind === 'needs-scan' ? resolveState(document, { ...known, visible: new Set(visible) }) : first
  const decidedBy = first.kind === 'needs-scan' ? 'by its events' : 'by its record'
  if (final.kind === 'hold') return [final.code, decidedBy]
  const repair = 'record' in final ? final.record : { kind: 'none' as const }
  const repaired =
    repair.kind === 'rewrite' ? [`rewrite ${repair.record.nonce}`] : repair.kind === 'drop' ? ['drop'] : []
  return [final.kind, decidedBy, ...repaired]
}
const ago = (ms: number) => ({ at: now - ms })
const neverHadRecord = ['beginning', 'operator'] as const

describe('without a document', () => {
  test('a stream is new when there is no commit record', () =>
    expect(resolved(undefined, undefined)).toEqual(['new', 'by its record']))

  test('a stream is held when there is a commit record, even one without a marker', () => {
    expect(resolved(undefined, ofCommitted)[0]).toBe('checkpoint.missing')
    expect(resolved(undefined, undefined, { isUnstable: true })[0]).toBe('checkpoint.missing')
  })
})

describe('a document with a committed state only', () => {
  const document = documentWith({})

  test('is valid when Kafka has its record', () =>
    expect(resolved(document, ofCommitted)).toEqual(['committed', 'by its record']))

  test('is valid without a record when the record may have expired', () =>
    expect(resolved(documentWith({ committed: ago(7 * DAY_MS) }), undefined)).toEqual(['committed', 'by its record']))

  test('is valid without a record when its last event is visible, and its record is rewritten', () =>
    expect(resolved(document, undefined, { visible: committedOnly })).toEqual([
      'committed',
      'by its events',
      'rewrite c',
    ]))

  test('holds the stream when Kafka has neither its record nor its last event', () =>
    expect(resolved(document, undefined)).toEqual(['checkpoint.events-lost', 'by its events']))

  test('is valid without a record when it has no events', () => {
    const withoutEvents = documentWith({ committed: { state: { ...state, events: 0 } } })
    expect(resolved(withoutEvents, undefined)).toEqual(['committed', 'by its events', 'rewrite c'])
  })

  test.each(neverHadRecord)('is valid without a record or with an older one when it never had one (%s)', (by) => {
    for (const found of [undefined, older, record(3, 99, 'o')])
      expect(resolved(documentWith({ committed: { by } }), found)).toEqual(['committed', 'by its record'])
  })

  test('is decided by its events when the record is older, because its own has lost its marker', () => {
    expect(resolved(document, older, { visible: committedOnly })).toEqual(['committed', 'by its events', 'rewrite c'])
    expect(resolved(document, older)[0]).toBe('checkpoint.events-lost')
  })

  test.each([
    ['newer', newer],
    ['of another state with the same number', record(4, 10, 'other')],
  ])('holds the stream when the record is %s', (_how, found) => {
    expect(resolved(document, found)[0]).toBe('checkpoint.rolled-back')
    for (const by of neverHadRecord)
      expect(resolved(documentWith({ committed: { by } }), found)[0]).toBe('checkpoint.rolled-back')
  })

  test('drops another record when it has no marker', () => {
    expect(resolved(document, ofCommitted, { isUnstable: true })).toEqual(['committed', 'by its record', 'drop'])
    const first = documentWith({ committed: { by: 'beginning' } })
    expect(resolved(first, undefined, { isUnstable: true })).toEqual(['committed', 'by its record', 'drop'])
  })
})

describe('a document with a pending state', () => {
  const both = documentWith({ pending: {} })

  test('Invariant 2: pending is valid when Kafka has its record, of any age', () => {
    expect(resolved(both, ofPending)).toEqual(['pending', 'by its record'])
    expect(resolved(documentWith({ pending: ago(30 * DAY_MS) }), ofPending)).toEqual(['pending', 'by its record'])
  })

  test('committed is valid when Kafka has its record', () =>
    expect(resolved(both, ofCommitted)).toEqual(['committed', 'by its record']))

  test.each(neverHadRecord)('committed is valid with an older record when it never had one (%s)', (by) =>
    expect(resolved(documentWith({ committed: { by }, pending: {} }), older)).toEqual(['committed', 'by its record']),
  )

  test.each([...neverHadRecord, 'commit-record'] as const)(
    'the events decide when there is no record, since it may have been deleted (committed by %s)',
    (by) => {
      const document = documentWith({ committed: { by }, pending: {} })
      expect(resolved(document, undefined, { visible: pendingOnly })).toEqual(['pending', 'by its events', 'rewrite p'])
      const otherwise =
        by === 'commit-record' ? ['checkpoint.events-lost', 'by its events'] : ['committed', 'by its events']
      expect(resolved(document, undefined)).toEqual(otherwise)
    },
  )

  test('the events decide when the pending state is older than the retention of its record', () => {
    const old = documentWith({ committed: ago(9 * DAY_MS), pending: ago(8 * DAY_MS) })
    expect(resolved(old, undefined, { visible: pendingOnly })).toEqual(['pending', 'by its events', 'rewrite p'])
    expect(resolved(old, undefined)).toEqual(['committed', 'by its events'])
  })

  test('the last event of the committed state may be missing only when its record may have expired', () => {
    const expired = documentWith({ committed: ago(8 * DAY_MS), pending: ago(HOUR_MS) })
    expect(resolved(expired, undefined)).toEqual(['committed', 'by its events'])
    const recent = documentWith({ committed: ago(6 * DAY_MS), pending: ago(HOUR_MS) })
    expect(resolved(recent, undefined)).toEqual(['checkpoint.events-lost', 'by its events'])
  })

  test('the event scan begins two hours before the state in question', () => {
    const since = (document: CheckpointDocument, found: ReturnType<typeof record> | undefined) =>
      resolveState(document, { record: found, isUnstable: found === ofCommitted, now, retentionMs })
    const days = documentWith({ committed: ago(3 * DAY_MS), pending: ago(HOUR_MS) })
    expect(since(days, undefined)).toEqual({ kind: 'needs-scan', since: now - 3 * DAY_MS - 2 * HOUR_MS })
    expect(since(days, ofCommitted)).toEqual({ kind: 'needs-scan', since: now - 3 * HOUR_MS })
  })

  test('holds the stream when the record is newer than both states, or between them', () => {
    expect(resolved(both, newer)[0]).toBe('checkpoint.rolled-back')
    expect(resolved(both, record(4, 11, 'other'))[0]).toBe('checkpoint.rolled-back')
    const nextEpoch = documentWith({ pending: { epoch: 6, seq: 11 } })
    expect(resolved(nextEpoch, record(5, 11, 'p'))[0]).toBe('checkpoint.rolled-back')
    expect(resolved(nextEpoch, record(6, 11, 'p'))[0]).toBe('pending')
  })

  test('the events of pending decide when a record without a marker may be its own', () => {
    const unstable = { isUnstable: true }
    const unstableVisible = { ...unstable, visible: pendingOnly }
    expect(resolved(both, ofCommitted, unstableVisible)).toEqual(['pending', 'by its events', 'rewrite p'])
    expect(resolved(both, ofCommitted, unstable)).toEqual(['committed', 'by its events', 'drop'])
    expect(resolved(both, ofPending, unstable)).toEqual(['pending', 'by its record', 'drop'])
    const first = documentWith({ committed: { by: 'beginning' }, pending: {} })
    expect(resolved(first, undefined, unstableVisible)).toEqual(['pending', 'by its events', 'rewrite p'])
    expect(resolved(first, undefined, unstable)).toEqual(['committed', 'by its events', 'drop'])
  })

  test('pending is valid when its events are visible and the records of both states are missing', () => {
    const visible = ['last of committed', 'of pending'] as const
    expect(resolved(both, older, { visible })).toEqual(['pending', 'by its events', 'rewrite p'])
  })
})

test('pending that has withdrawals only is published once more when its record and its tombstones are gone', () => {
  const both = documentWith({ pending: {} })
  const known = { record: undefined, isUnstable: false, now, retentionMs, kept: { kind: 'event', number: 0 } } as const
  expect(resolveState(both, { ...known, visible: new Set(committedOnly) })).toEqual({
    kind: 'committed',
    record: { kind: 'rewrite', record: ofCommitted },
  })
})

test('matchOf relates an event to the states by its number', () => {
  const prepared = documentWith({ pending: {} })
  const matches = (kept: KeptEvent) =>
    [0, 1, 2, 3, 4, undefined].map((sequence) => matchOf(prepared, { sequence, kept }))
  const [last, pending] = ['last of committed', 'of pending']
  expect(matches({ kind: 'unknown' })).toEqual([undefined, last, pending, pending, undefined, undefined])
  expect(matches({ kind: 'event', number: 0 })).toEqual([last, last, pending, pending, undefined, undefined])
  expect(matchOf(documentWith({}), { sequence: 2, kept: { kind: 'none' } })).toBeUndefined()
})

describe('the newest event that compaction keeps', () => {
  const kept = (entries: readonly IndexEntry[], contentsFrom = 0) => {
    const table = clientTable()
    for (const [client, one] of entries.entries()) table.set(key(client), one)
    return keptEvent({ ...state, index: { ...state.index, contentsFrom } }, table)
  }
  const withdrawn = [entry(9, { mark: 'withdrawn' })]

  test('is the one with the highest number of clients that were not withdrawn', () => {
    expect(kept([entry(1), entry(2 ** 33), entry(3), ...withdrawn])).toEqual({ kind: 'event', number: 2 ** 33 })
  })

  test('is not a dead letter, which takes the number of the next event', () =>
    expect(kept([entry(4), entry(5, { isDeadLetter: true })])).toEqual({ kind: 'event', number: 4 }))

  test('does not exist when all clients were withdrawn, or when their events were lost with an earlier topic', () => {
    expect(kept(withdrawn)).toEqual({ kind: 'none' })
    expect(kept([entry(4)], 5)).toEqual({ kind: 'none' })
  })

  test('proves the committed state; without any, the stream resumes unproven', () => {
    const known = { record: undefined, isUnstable: false, now, retentionMs, visible: new Set<EventMatch>() }
    const repaired = { kind: 'committed', record: { kind: 'rewrite', record: ofCommitted } }
    expect(resolveState(documentWith({}), { ...known, kept: { kind: 'none' } })).toEqual({
      ...repaired,
      isUnproven: true,
    })
    const proven = { ...known, visible: new Set(committedOnly), kept: { kind: 'none' } } as const
    expect(resolveState(documentWith({}), proven)).toEqual(repaired)
    for (const lost of [{ kind: 'unknown' }, { kind: 'event', number: 1 }] as const)
      expect(resolveState(documentWith({}), { ...known, kept: lost })).toMatchObject({ code: 'checkpoint.events-lost' })
  })
})
