import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  SegmentMemory,
  segmentBytes,
  segmentEntries,
  segmentHash,
  sortedEntries,
} from '../../../connector/index/segment.ts'
import { entry, joined, key, read, words } from './entries.ts'

const three = words([
  [key(3), entry(1)],
  [key(1), entry(2)],
  [key(3), entry(3)],
])

test('a segment holds each client once, in the order of the keys, with its last entry', () => {
  const sorted = read(sortedEntries(three))
  expect(new Map(sorted)).toEqual(
    new Map([
      [key(1), entry(2)],
      [key(3), entry(3)],
    ]),
  )
  expect(sorted.map(([client]) => client)).toEqual([key(1), key(3)].toSorted((a, b) => (a < b ? -1 : 1)))
})

test('segments are merged into what all their entries in order would give', () => {
  const client = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.nat(1_000))
  fc.assert(
    fc.property(fc.array(fc.array(client), { maxLength: 5 }), (parts) => {
      const sorted = parts.map((part) => sortedEntries(words(part.map(([id, number]) => [key(id), entry(number)]))))
      const memory = new SegmentMemory(parts.flat().length)
      for (const part of sorted) memory.merge(part)
      expect(memory.bytes()).toEqual(segmentBytes(sortedEntries(joined(sorted))))
    }),
  )
})

test('a segment takes no entries that it has no room for', () => {
  const memory = new SegmentMemory(1)
  expect(() => memory.merge(sortedEntries(three))).toThrow(RangeError)
})

test('a segment is read back only if its bytes are those that were written', () => {
  const bytes = segmentBytes(sortedEntries(three))
  const sha256 = segmentHash(bytes)
  expect(segmentEntries(bytes, sha256)).toEqual(sortedEntries(three))
  for (const damaged of [
    bytes.subarray(0, -1),
    Buffer.concat([bytes, Buffer.alloc(24)]),
    bytes.map((byte) => byte ^ 1),
  ])
    expect(segmentEntries(damaged, sha256)).toBeUndefined()
})

test('the header names the format and the number of entries', () => {
  expect(segmentBytes(sortedEntries(three)).subarray(0, 16).toString('hex')).toBe(
    '504349580100000002000000' + '00000000',
  )
})
