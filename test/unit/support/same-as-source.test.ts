import { describe, expect, it } from 'vitest'
import { assertSameAsSource, differencesFromSource } from '../../support/same-as-source.ts'
import type { TopicRecord } from '../../support/topic-reader.ts'

const changes = (...versions: readonly number[]) => versions.map((version) => ({ clientId: '7', version }))

function records(...versions: readonly number[]): TopicRecord[] {
  return versions.map((version, index) => {
    const value = { data: { NoVersion: String(version) } }
    return { partition: 0, offset: BigInt(index), timestamp: 0, key: '7', value, text: '', headers: {} }
  })
}

const split = (all: readonly TopicRecord[]) => all.map((one, partition) => ({ ...one, partition }))

describe('the topic', () => {
  it.each([
    ['a client is lost', changes(1), [], /client 7: lost/],
    ['the last change is lost', changes(1, 2), records(1), /the last change is lost/],
    ['a change is duplicated', changes(1, 2), records(1, 2, 2), /duplicate/],
    ['changes are out of order', changes(1, 2), records(2, 1), /out of order/],
    ['a client is unknown to the source', [], records(1), /unknown to the source/],
    ['a record is not an event', changes(1), records(Number.NaN), /out of order/],
    ['a client is in two partitions', changes(1, 2), split(records(1, 2)), /several/],
  ])('differs from the source when %s', (_, source, topic, expected) => {
    expect(() => assertSameAsSource(source, topic)).toThrow(expected)
    expect(differencesFromSource(source, topic)).toHaveLength(1)
  })
})
