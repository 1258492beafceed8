import { describe, expect, test } from 'vitest'
import { murmur2, partitionOf } from '../../../connector/kafka/partitioner.ts'

/** Computed with `Utils.murmur2` of Kafka's Java client 4.4.0: key, hash, partition of 6, partition of 24. */
const javaResults = [
  ['', 275646681, 3, 9],
  ['1', -1993445489, 3, 15],
  ['21', -973932308, 0, 12],
  ['abc', 479470107, 3, 3],
  ['foobar', -790332482, 0, 6],
  ['élodie-ß', -90805872, 2, 8],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971, 5, 5],
  ['😀', 131881617, 3, 9],
] as const

describe('partitionOf', () => {
  test.each(javaResults)('chooses the same partition for %j as the Java client', (key, hash, ofSix, ofTwentyFour) => {
    const bytes = Buffer.from(key)
    expect(murmur2(bytes)).toBe(hash)
    expect(partitionOf(bytes, 6)).toBe(ofSix)
    expect(partitionOf(bytes, 24)).toBe(ofTwentyFour)
  })
})
