import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { mismatch, resolve } from '../../../connector/checkpoint/resolve.ts'
import { errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { DAY_MS, documentWith, HOUR_MS, identity, now } from './documents.ts'

const note = (epoch: number, seq: number, nonce: string) => ({ epoch, seq, nonce })
const ofCommitted = note(4, 10, 'c')
const ofPending = note(4, 11, 'p')
const older = note(4, 9, 'o')
const newer = note(5, 1, 'x')
const retentionMs = 7 * DAY_MS

function truth(document: CheckpointDocument | undefined, found: ReturnType<typeof note> | undefined) {
  const answer = resolve(document, found, { now, retentionMs })
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
