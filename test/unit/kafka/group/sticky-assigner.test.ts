import fc from 'fast-check'
import { AssignerProtocol, type Cluster, type PartitionAssigner } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { stickyAssigner, streamsIn, streamsPerSlot } from '../../../../connector/kafka/group/sticky-assigner.ts'

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

const streamName = fc.stringMatching(/^[a-z0-9-]{1,20}$/)
const streamNames = fc.uniqueArray(streamName, { maxLength: 60 })
const slotCounts = fc.integer({ min: 1, max: 64 })

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

  it('are counted for each slot, by the partition of the Java client', () => {
    expect(streamsPerSlot(['1', '21', 'abc', 'foobar'], 6)).toEqual([2, 0, 0, 2, 0, 0])
  })

  it('are empty while the number of slots is unknown', () => {
    expect(streamsIn([], ['a'], 0).size).toBe(0)
    expect(streamsPerSlot(['a'], 0)).toEqual([])
  })
})
