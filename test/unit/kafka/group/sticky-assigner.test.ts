import fc from 'fast-check'
import { AssignerProtocol, type Cluster, type PartitionAssigner } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { slotOf, stickyAssigner, streamsIn, streamsPerSlot } from '../../../../connector/kafka/group/sticky-assigner.ts'

const { MemberAssignment } = AssignerProtocol
const cluster = (slots: number) =>
  ({ findTopicPartitionMetadata: () => Array.from({ length: slots }) }) as unknown as Cluster
const configOf = (slots: number) => ({ cluster: cluster(slots), groupId: 'g' }) as Parameters<PartitionAssigner>[0]
const assignerOf = (held: number[]) =>
  stickyAssigner({ topic: 't', streams: ['a', 'b'], held: () => held })(configOf(6))

describe('stickyAssigner', () => {
  it('sends its slots to the leader, and as the leader keeps the slots of each member', async () => {
    const members = [
      { memberId: 'm1', memberMetadata: assignerOf([0, 1, 2]).protocol({ topics: ['t'] }).metadata },
      { memberId: 'm2', memberMetadata: assignerOf([5, 4, 3]).protocol({ topics: ['t'] }).metadata },
    ]
    const assigned = await assignerOf([]).assign({ members, topics: ['t'] })
    const slotsOf = (memberId: string) => {
      const found = assigned.find((one) => one.memberId === memberId)
      return found && MemberAssignment.decode(found.memberAssignment)?.assignment
    }
    expect(slotsOf('m1')).toEqual({ t: [0, 1, 2] })
    expect(slotsOf('m2')).toEqual({ t: [3, 4, 5] })
  })
})

/** The partitions of these keys according to `Utils.murmur2` of Kafka's Java client 4.4.0. */
const vectors = [
  ['1', 3, 15],
  ['21', 0, 12],
  ['abc', 3, 3],
  ['foobar', 0, 6],
  ['a-little-bit-long-string', 2, 8],
] as const

const streamName = fc.stringMatching(/^[a-z0-9-]{1,20}$/)
const streamNames = fc.uniqueArray(streamName, { maxLength: 60 })
const slotCounts = fc.integer({ min: 1, max: 64 })

describe('slotOf', () => {
  it.each(vectors)('puts %s into slot %i of 6 and slot %i of 24', (stream, ofSix, ofTwentyFour) => {
    expect(slotOf(stream, 6)).toBe(ofSix)
    expect(slotOf(stream, 24)).toBe(ofTwentyFour)
  })
})

describe('the streams of slots', () => {
  it('are each in exactly one slot', () => {
    fc.assert(
      fc.property(streamNames, slotCounts, (streams, slots) => {
        const found = Array.from({ length: slots }, (_, slot) => [...streamsIn([slot], streams, slots)]).flat()
        expect(found.sort()).toEqual([...streams].sort())
      }),
    )
  })

  it('do not change when a stream is added', () => {
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

  it('are counted for each slot', () => {
    expect(streamsPerSlot(['1', '21', 'abc', 'foobar'], 6)).toEqual([2, 0, 0, 2, 0, 0])
  })

  it('are empty while the number of slots is unknown', () => {
    expect(streamsIn([], ['a'], 0).size).toBe(0)
    expect(streamsPerSlot(['a'], 0)).toEqual([])
  })
})
