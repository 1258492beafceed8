import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { streamsIn, streamsPerSlot } from '../../../../connector/kafka/group/sticky-assigner.ts'

const streamName = fc.stringMatching(/^[a-z0-9-]{1,20}$/)
const streamNames = fc.uniqueArray(streamName, { maxLength: 60 })
const slotCounts = fc.integer({ min: 1, max: 64 })

describe('the streams of slots', () => {
  test('are each in exactly one slot', () => {
    fc.assert(
      fc.property(streamNames, slotCounts, (streams, slots) => {
        const found = Array.from({ length: slots }, (_, slot) => [...streamsIn([slot], streams, slots)]).flat()
        expect(found.sort()).toEqual([...streams].sort())
      }),
    )
  })

  test('do not change when a stream is added', () => {
    fc.assert(
      fc.property(streamNames, streamName, slotCounts, (streams, added, slots) => {
        for (let slot = 0; slot < slots; slot += 1) {
          const before = streamsIn([slot], streams, slots)
          const after = streamsIn([slot], [...streams, added], slots)
          expect([...after].filter((stream) => stream !== added || before.has(stream))).toEqual([...before])
        }
      }),
    )
  })

  test('are counted for each slot, by the partition of the Java client', () => {
    expect(streamsPerSlot(['1', '21', 'abc', 'foobar'], 6)).toEqual([2, 0, 0, 2, 0, 0])
  })

  test('are empty while the number of slots is unknown', () => {
    expect(streamsIn([], ['a'], 0).size).toBe(0)
    expect(streamsPerSlot(['a'], 0)).toEqual([])
  })
})
