import { describe, expect, it } from 'vitest'
import { assertSameAsSource, differencesFromSource, hasLastOfAll } from '../../support/same-as-source.ts'
import type { TopicRecord } from '../../support/topic-reader.ts'

const had = (...versions: readonly number[]) => versions.map((version) => ({ clientId: '7', version }))

function told(...versions: readonly number[]): TopicRecord[] {
  return versions.map((version, index) => {
    const value = { data: { NoVersion: String(version) } }
    return { partition: 0, offset: BigInt(index), timestamp: 0, key: '7', value, text: '', headers: {} }
  })
}

describe('the topic is the same as the source', () => {
  it.each([
    ['every version once, in order', had(1, 2, 3), told(1, 2, 3)],
    ['a version overwritten before it was read is missing', had(1, 2, 3), told(1, 3)],
    ['A → B → A keeps its last change', had(1, 2, 1), told(1, 2, 1)],
  ])('when %s', (_, changes, records) => {
    expect(() => assertSameAsSource(changes, records)).not.toThrow()
  })

  it.each([
    ['a client is lost', had(1), [], /client 7: lost/],
    ['the last change is lost', had(1, 2), told(1), /the last change is lost/],
    ['a change is doubled', had(1, 2), told(1, 2, 2), /doubled/],
    ['a change comes again later', had(1, 2, 3), told(1, 2, 1, 3), /out of order/],
    ['changes are out of order', had(1, 2), told(2, 1), /out of order/],
    ['the A of the end is lost', had(1, 2, 1), told(1, 2), /the last change is lost/],
    ['the source knows nothing of it', [], told(1), /unknown to the source/],
    ['a record is no event', had(1), told(Number.NaN), /out of order/],
    ['it is in two partitions', had(1, 2), told(1, 2).map((one, partition) => ({ ...one, partition })), /several/],
  ])('but not when %s', (_, changes, records, expected) => {
    expect(() => assertSameAsSource(changes, records)).toThrow(expected)
    expect(differencesFromSource(changes, records)).toHaveLength(1)
  })
})

it('shows the versions around what is wrong, however many there are', () => {
  const all = Array.from({ length: 99 }, (_, at) => at + 1)
  expect(differencesFromSource(had(...all), told(...all.slice(0, 50), 50, ...all.slice(50)))).toEqual([
    'client 7: doubled: 50; source … 44 45 46 47 48 49 50 51 52 53 54 55 56 …, topic … 45 46 47 48 49 50 50 51 52 53 54 55 56 …',
  ])
})

it('is complete when the last version of every client is there', () => {
  expect(hasLastOfAll(had(1, 2), told(1))).toBe(false)
  expect(hasLastOfAll([...had(1, 2), { clientId: '8', version: 1 }], told(1, 2))).toBe(false)
  expect(hasLastOfAll(had(1, 2), told(2))).toBe(true)
})
