import { AssignerProtocol, type Cluster, type PartitionAssigner } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { claimOf, stickyAssigner } from '../../../../connector/kafka/group/sticky-assigner.ts'
import { hashedStreams } from '../../../support/hashed-streams.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol
const metadata = (userData: Buffer) => MemberMetadata.encode({ version: 1, topics: ['t'], userData })
const cluster = (slots: number) =>
  ({ findTopicPartitionMetadata: () => Array.from({ length: slots }) }) as unknown as Cluster
const configOf = (slots: number) => ({ cluster: cluster(slots), groupId: 'g' }) as Parameters<PartitionAssigner>[0]
const assignerOf = (held: number[], silentMs = 5) =>
  stickyAssigner({ topic: 't', configuration: hashedStreams('a', 'b'), held: () => ({ held, silentMs }) })(configOf(6))

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

  it.each([
    ['no data', ''],
    ['another type', '"held"'],
    ['null', 'null'],
    ['no compressed data', '{"held":[1],"silentMs":1}'],
  ])('treats a member that sends %s as one without slots', (_, userData) => {
    const claim = claimOf({ memberId: 'm', memberMetadata: metadata(Buffer.from(userData)) })
    expect(claim).toEqual({ member: 'm', held: [], silentMs: Number.MAX_SAFE_INTEGER })
  })

  it('decodes its own claim', () => {
    const { metadata: memberMetadata } = assignerOf([3, 1], 250).protocol({ topics: ['t'] })
    expect(claimOf({ memberId: 'm', memberMetadata })).toEqual({ member: 'm', held: [3, 1], silentMs: 250 })
  })

  it('treats a new member that was never answered as one without slots', () => {
    const { metadata: memberMetadata } = assignerOf([], Number.POSITIVE_INFINITY).protocol({ topics: ['t'] })
    expect(claimOf({ memberId: 'm', memberMetadata })).toMatchObject({ held: [] })
  })
})
