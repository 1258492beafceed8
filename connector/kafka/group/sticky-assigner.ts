import { AssignerProtocol, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'
import { assignSlots } from '../../placement/assign-slots.ts'
import { partitionOf } from '../partitioner.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** All members must use the same name: a different one splits the group while versions are mixed. */
const name = 'polaris-sticky'
const version = 1

export interface StickyAssignerParts {
  readonly topic: string
  /** These are all streams, the same on every replica. */
  readonly streams: readonly string[]
  /** Returns the slots of this member's last assignment. */
  readonly ownedSlots: () => readonly number[]
}

/** Assigns the partitions with `assignSlots`. Each member sends the slots that it owns when it joins. */
export function stickyAssigner({ topic, streams, ownedSlots }: StickyAssignerParts): PartitionAssigner {
  return ({ cluster }) => ({
    name,
    version,
    protocol: ({ topics }) => {
      const userData = Buffer.from(JSON.stringify(ownedSlots()))
      return { name, metadata: MemberMetadata.encode({ version, topics, userData }) }
    },
    assign: async ({ members }) => {
      const claims = members.map((member) => ({ member: member.memberId, ownedSlots: ownedSlotsOf(member) }))
      const shares = assignSlots(claims, streamsPerSlot(streams, slotCount(cluster, topic)))
      return [...shares].map(([memberId, slots]) => {
        const assignment = { [topic]: [...slots] }
        const memberAssignment = MemberAssignment.encode({ version, assignment, userData: Buffer.alloc(0) })
        return { memberId, memberAssignment }
      })
    },
  })
}

/** Returns the number of slots by the client's metadata; 0 before that is loaded. */
export function slotCount(cluster: Cluster, topic: string): number {
  return cluster.findTopicPartitionMetadata(topic).length
}

/** Returns the slots that a member has sent as its own; every member of the group sends some. */
const ownedSlotsOf = ({ memberMetadata }: GroupMember): readonly number[] =>
  JSON.parse(String(MemberMetadata.decode(memberMetadata)?.userData))

/**
 * Returns the slot of a stream: the partition that Kafka's Java client selects for a record whose key is the stream
 * name (murmur2) in a topic with `slots` partitions. It does not depend on other streams; changing the number of slots
 * moves most streams.
 */
export function slotOf(stream: string, slots: number): number {
  return partitionOf(Buffer.from(stream), slots)
}

/** Returns the streams whose slot is in `ownedSlots`. */
export function streamsIn(
  ownedSlots: readonly number[],
  streams: readonly string[],
  slots: number,
): ReadonlySet<string> {
  return new Set(slots === 0 ? [] : streams.filter((stream) => ownedSlots.includes(slotOf(stream, slots))))
}

/** Returns the number of streams in each slot. */
export function streamsPerSlot(streams: readonly string[], slots: number): number[] {
  return Array.from({ length: slots }, (_, slot) => streamsIn([slot], streams, slots).size)
}
