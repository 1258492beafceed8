import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { markOf, mismatch, resolve } from '../../../connector/checkpoint/resolve.ts'
import type { Mark } from '../../../connector/publish/event-publisher.ts'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { DAY_MS, documentWith, HOUR_MS, identity, now, state } from './documents.ts'

const note = (epoch: number, seq: number, nonce: string) => ({ epoch, seq, nonce })
const ofCommitted = note(4, 10, 'c')
const ofPending = note(4, 11, 'p')
const older = note(4, 9, 'o')
const newer = note(5, 1, 'x')
const retentionMs = 7 * DAY_MS

/** What `resolve` says, and, where it wants to know what is in the topic, what it says then. */
function truth(
  document: CheckpointDocument | undefined,
  found: ReturnType<typeof note> | undefined,
  met: [Mark, 'visible' | 'hanging'][] = [],
) {
  const known = { note: found, isHanging: false, now, retentionMs }
  const first = resolve(document, known)
  const answer = first.kind === 'unclear' ? resolve(document, { ...known, sightings: new Map(met) }) : first
  return answer.kind === 'stop' ? answer.code : answer.kind
}
const ago = (ms: number) => ({ at: now - ms })
const neverHadNote = ['beginning', 'operator', 'at-least-once'] as const

describe('no document', () => {
  test('and no note: a new stream', () => expect(truth(undefined, undefined)).toBe('new'))

  test('though there is a note: stop, somebody deleted it', () =>
    expect(truth(undefined, ofCommitted)).toBe('checkpoint.missing'))
})

describe('a document with a committed state only', () => {
  test('and its note: committed', () => expect(truth(documentWith({}), ofCommitted)).toBe('committed'))

  test('and no note: committed, since notes expire', () => {
    expect(truth(documentWith({}), undefined)).toBe('committed')
    expect(truth(documentWith({ committed: ago(30 * DAY_MS) }), undefined)).toBe('committed')
  })

  test.each(neverHadNote)('that never had a note (%s), and an older one: committed', (by) => {
    expect(truth(documentWith({ committed: { by } }), older)).toBe('committed')
    expect(truth(documentWith({ committed: { by } }), note(3, 99, 'o'))).toBe('committed')
  })

  test('that had a note, and an older one: stop, Kafka forgot a commit', () =>
    expect(truth(documentWith({}), older)).toBe('checkpoint.note-lost'))

  test('and a newer note: stop, the document was rolled back', () => {
    expect(truth(documentWith({}), newer)).toBe('checkpoint.rolled-back')
    expect(truth(documentWith({}), ofPending)).toBe('checkpoint.rolled-back')
  })

  test('and another note of the same number: stop', () =>
    expect(truth(documentWith({}), note(4, 10, 'other'))).toBe('checkpoint.rolled-back'))

  test.each(neverHadNote)('that never had a note (%s), and a newer one: stop all the same', (by) =>
    expect(truth(documentWith({ committed: { by } }), newer)).toBe('checkpoint.rolled-back'),
  )
})

describe('a document with a pending state', () => {
  const both = documentWith({ pending: {} })

  test('Invariant 2: and its note: pending', () => {
    expect(truth(both, ofPending)).toBe('pending')
    expect(truth(documentWith({ pending: ago(30 * DAY_MS) }), ofPending)).toBe('pending')
  })

  test('and the note of the committed state: committed', () => expect(truth(both, ofCommitted)).toBe('committed'))

  test.each(neverHadNote)('and no note, where the committed state never had one (%s): committed', (by) =>
    expect(truth(documentWith({ committed: { by }, pending: {} }), undefined)).toBe('committed'),
  )

  test('a new stream killed in its very first page goes on by itself', () => {
    const beginning = documentWith({ committed: { epoch: 1, seq: 0, by: 'beginning' }, pending: {} })
    expect(truth(beginning, undefined)).toBe('committed')
    expect(truth(beginning, note(1, 1, 'p'))).toBe('pending')
  })

  test.each(neverHadNote)('and an older note, where the committed state never had one (%s): committed', (by) =>
    expect(truth(documentWith({ committed: { by }, pending: {} }), older)).toBe('committed'),
  )

  test('and an older note, where the committed state had one: stop', () =>
    expect(truth(both, older)).toBe('checkpoint.note-lost'))

  test('and no note, where that of the committed state must still be there: stop', () =>
    expect(truth(both, undefined)).toBe('checkpoint.note-lost'))

  test('and no note, where that of the committed state may have expired and one of pending would not: committed', () =>
    expect(truth(documentWith({ committed: ago(8 * DAY_MS), pending: ago(HOUR_MS) }), undefined)).toBe('committed'))

  test('and no note, where both may have expired: stop', () =>
    expect(truth(documentWith({ committed: ago(9 * DAY_MS), pending: ago(8 * DAY_MS) }), undefined)).toBe(
      'checkpoint.note-lost',
    ))

  test.each(neverHadNote)(
    'so old that its own note may have expired: stop, even where committed never had one (%s)',
    (by) =>
      expect(truth(documentWith({ committed: { by }, pending: ago(7 * DAY_MS) }), undefined)).toBe(
        'checkpoint.note-lost',
      ),
  )

  test('counts as expired an hour early, since clocks of replicas differ', () => {
    const at = (ms: number) => truth(documentWith({ committed: { by: 'operator' }, pending: ago(ms) }), undefined)
    expect(at(7 * DAY_MS - HOUR_MS - 1)).toBe('committed')
    expect(at(7 * DAY_MS - HOUR_MS)).toBe('checkpoint.note-lost')
  })

  test('and a note newer than both, or between them: stop', () => {
    expect(truth(both, newer)).toBe('checkpoint.rolled-back')
    expect(truth(both, note(4, 11, 'other'))).toBe('checkpoint.rolled-back')
    const nextEpoch = documentWith({ pending: { epoch: 6, seq: 11 } })
    expect(truth(nextEpoch, note(5, 11, 'p'))).toBe('checkpoint.rolled-back')
    expect(truth(nextEpoch, note(6, 11, 'p'))).toBe('pending')
  })
})

describe('an end of a note that Kafka has lost', () => {
  const known = { now, retentionMs, isHanging: true }
  const at = now - HOUR_MS
  const prepared = documentWith({ pending: {} })
  const seen = (...met: [Mark, 'visible' | 'hanging'][]) => ({ ...known, sightings: new Map(met) })

  test('nothing is pending: the note that hangs was withdrawn, and is dropped', () => {
    expect(resolve(documentWith({}), { ...known, note: ofCommitted })).toEqual({ kind: 'committed', restore: null })
    const neverHad = documentWith({ committed: { by: 'beginning' } })
    expect(resolve(neverHad, { ...known, note: undefined })).toEqual({ kind: 'committed', restore: null })
  })

  test('something is pending: its events tell, looked for from two hours before it was prepared', () => {
    expect(resolve(prepared, { ...known, note: ofCommitted })).toEqual({ kind: 'unclear', since: at - 2 * HOUR_MS })
    const pending = { kind: 'pending', restore: ofPending }
    expect(resolve(prepared, { ...seen(['of pending', 'visible']), note: ofCommitted })).toEqual(pending)
    const committed = { kind: 'committed', restore: null }
    expect(resolve(prepared, { ...seen(['of pending', 'hanging']), note: ofCommitted })).toEqual(committed)
    expect(resolve(prepared, { ...seen(), note: ofCommitted })).toEqual(committed)
  })

  test.each(neverHadNote)('the first decision of a stream whose state never had a note (%s)', (by) => {
    const first = documentWith({ committed: { by }, pending: {} })
    const found = { ...seen(['of pending', 'visible']), note: undefined }
    expect(resolve(first, found)).toEqual({ kind: 'pending', restore: ofPending })
  })

  test.each([
    ['hangs', true, older],
    ['was withdrawn by the next end', false, older],
    ['was the first', true, undefined],
  ])(
    'the note of what is committed %s: its events tell, and the note is given to Kafka anew',
    (_how, isHanging, found) => {
      const document = found === undefined ? prepared : { ...prepared, pending: null }
      const of = { now, retentionMs, isHanging, note: found }
      expect(resolve(document, of)).toEqual({ kind: 'unclear', since: at - 2 * HOUR_MS })
      const restored = { kind: 'committed', restore: ofCommitted }
      for (const how of ['visible', 'hanging'] as const)
        expect(resolve(document, { ...of, sightings: new Map([['last of committed', how]]) })).toEqual(restored)
      expect(resolve(document, { ...of, sightings: new Map() })).toMatchObject({ code: 'checkpoint.note-lost' })
    },
  )

  test('the notes of both, one after the other', () => {
    const found = { ...seen(['last of committed', 'visible'], ['of pending', 'visible']), note: older }
    expect(resolve(prepared, found)).toEqual({ kind: 'pending', restore: ofPending })
  })

  test('a committed state without events has none that could be missing', () => {
    const withoutEvents = documentWith({ committed: { state: { ...state, events: 0 } } })
    const found = { ...seen(), note: older }
    expect(resolve(withoutEvents, found)).toEqual({ kind: 'committed', restore: ofCommitted })
  })

  test('without a document: stop, somebody deleted it', () =>
    expect(resolve(undefined, { ...known, note: undefined })).toMatchObject({ code: 'checkpoint.missing' }))

  test('an event is told by its number', () => {
    expect([0, 1, 2, 3, 4, undefined].map((sequence) => markOf(prepared, sequence))).toEqual([
      ...[undefined, 'last of committed', 'of pending', 'of pending', undefined, undefined],
    ])
    expect(markOf(documentWith({}), 2)).toBeUndefined()
  })
})

test('every stop names a code that waits for an operator', () => {
  for (const code of ['checkpoint.missing', 'checkpoint.note-lost', 'checkpoint.rolled-back'] as const)
    expect(errorCatalogue[code].then).toBe('stop')
})

describe('whose document it is', () => {
  const document = documentWith({})

  test('its own stream, source, cluster and topic', () => expect(mismatch(document, identity)).toBeUndefined())

  test.each([
    ['connector', { connector: 'other' }],
    ['stream', { stream: 'other' }],
    ['codeMagasin', { source: { ...identity.source, codeMagasin: 2 } }],
    ['prefixCle', { source: { ...identity.source, prefixCle: 'P' } }],
    ['Kafka cluster', { destination: { ...identity.destination, clusterId: 'other' } }],
    ['topic', { destination: { ...identity.destination, topic: 'other' } }],
  ])('another %s is somebody else', (what, other) => {
    expect(mismatch(document, { ...identity, ...other })).toMatch(
      new RegExp(`^the document is of ${what} .+, not of .+`),
    )
  })

  test('a new URL and more partitions are not', () => {
    expect(
      mismatch(document, { ...identity, source: { ...identity.source, url: 'http://new.example/' } }),
    ).toBeUndefined()
    expect(mismatch(document, { ...identity, destination: { ...identity.destination, partitions: 7 } })).toBeUndefined()
  })

  test('fewer partitions are: the topic was created again', () => {
    expect(mismatch(document, { ...identity, destination: { ...identity.destination, partitions: 5 } })).toMatch(
      /again/,
    )
  })
})
