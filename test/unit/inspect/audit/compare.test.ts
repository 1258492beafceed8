import { describe, expect, test } from 'vitest'
import { type ContentKey, keyText, UNKNOWN_CONTENT } from '../../../../connector/index/index-entry.ts'
import { compare, confirmedDifferences, type LastRecord } from '../../../../connector/inspect/audit/compare.ts'

// One row for each kind of client in the source beside each kind of last record.

const a = keyText(1, 1) as ContentKey
const b = keyText(2, 2) as ContentKey

type InSource = ContentKey | 'dead-letter' | undefined
const source = (content: InSource) => ({
  byId: new Map(content === undefined ? [] : [['c', content] as const]),
  withoutId: 0,
})
const event = (content: ContentKey): LastRecord => ({ kind: 'event', content })
const tombstone: LastRecord = { kind: 'tombstone', content: UNKNOWN_CONTENT }
const foreign: LastRecord = { kind: 'foreign', content: UNKNOWN_CONTENT }
const ofOtherStream: LastRecord = { kind: 'other-stream', content: UNKNOWN_CONTENT }

const differenceOf = (content: InSource, last: LastRecord | undefined) =>
  compare(source(content), new Map(last === undefined ? [] : [['c', last]])).get('c')

describe('a client', () => {
  test.each([
    ['with the same content in the topic', a, event(a), undefined],
    ['with other content in the topic', a, event(b), 'different'],
    ['with an event that cannot be read', a, event(UNKNOWN_CONTENT), 'different'],
    ['without a record', a, undefined, 'missing'],
    ['with a tombstone, though the source returns it', a, tombstone, 'missing'],
    ['with a tombstone that the source does not return', undefined, tombstone, undefined],
    ['that the source no longer returns', undefined, event(a), 'gone'],
    ['whose last record is of another writer', a, foreign, 'different'],
    ['of another writer that the source does not return', undefined, foreign, 'gone'],
    ['whose last record is of another stream', a, ofOtherStream, undefined],
    ['of another stream that the source does not return', undefined, ofOtherStream, undefined],
    ['that is a dead letter, without a record', 'dead-letter', undefined, undefined],
    ['that is a dead letter, after an event', 'dead-letter', event(a), undefined],
    ['that is a dead letter, after an erasure', 'dead-letter', tombstone, undefined],
    ['that is a dead letter, overwritten by another writer', 'dead-letter', foreign, 'different'],
  ] as const)('%s', (_, inSource, inTopic, difference) => {
    expect(differenceOf(inSource, inTopic)).toBe(difference)
  })
})

describe('a difference', () => {
  const confirm = (difference: 'missing' | 'different' | 'gone', first: InSource, second: InSource) =>
    confirmedDifferences(new Map([['c', difference]]), source(first), source(second))

  test('counts when the source returns the same again, or nothing again', () => {
    expect(confirm('missing', a, a)).toMatchObject({ missing: ['c'], different: [], gone: [] })
    expect(confirm('different', a, a)).toMatchObject({ missing: [], different: ['c'], gone: [] })
    expect(confirm('gone', undefined, undefined)).toMatchObject({ missing: [], different: [], gone: ['c'] })
  })

  test.each([
    ['is changed', a, b],
    ['is deleted', a, undefined],
    ['is returned', undefined, a],
    ['becomes a dead letter', a, 'dead-letter'],
  ] as const)('does not count when the client %s meanwhile', (_, first, second) => {
    for (const kind of ['missing', 'different', 'gone'] as const)
      expect(confirm(kind, first, second)).toEqual({ missing: [], different: [], gone: [] })
  })
})
