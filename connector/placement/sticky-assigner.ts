import { AssignerProtocol, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'
import { assignSlots, type SlotClaim } from './assign-slots.ts'
import { streamsPerSlot } from './slots.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** All members must use the same name: a different one splits the group while versions are mixed. */
const assignerName = 'polaris-sticky'
const assignerVersion = 1

interface StickyAssignerParts {
  readonly topic: string
  /** All streams of the connector. */
  readonly streams: readonly string[]
  /** The slots of this member's last assignment, and the time since the group last answered it. */
  readonly held: () => Pick<SlotClaim, 'held' | 'silentMs'>
}

/** Assigns the partitions with `assignSlots`. Each member sends the slots it holds when it joins. */
export function stickyAssigner({ topic, streams, held }: StickyAssignerParts): PartitionAssigner {
  return ({ cluster }) => ({
    name: assignerName,
    version: assignerVersion,
    protocol: ({ topics }) => ({
      name: assignerName,
      metadata: MemberMetadata.encode({
        version: assignerVersion,
        topics,
        userData: Buffer.from(JSON.stringify(held())),
      }),
    }),
    assign: async ({ members }) => {
      const shares = assignSlots(members.map(claimOf), streamsPerSlot(streams, slotCount(cluster, topic)))
      return members.map(({ memberId }) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: assignerVersion,
          assignment: { [topic]: [...(shares.get(memberId) ?? [])] },
          userData: Buffer.alloc(0),
        }),
      }))
    },
  })
}

/** The number of slots according to the client's metadata; 0 before the metadata is loaded. */
export function slotCount(cluster: Cluster, topic: string): number {
  return cluster.findTopicPartitionMetadata(topic).length
}

/** The claim of a member; one with an unknown format holds no slots. Exported for its test. */
export function claimOf({ memberId, memberMetadata }: GroupMember): SlotClaim {
  try {
    const userData = JSON.parse(String(MemberMetadata.decode(memberMetadata)?.userData))
    const isKnown =
      Array.isArray(userData.held) && userData.held.every(Number.isInteger) && typeof userData.silentMs === 'number'
    if (isKnown) return { member: memberId, held: userData.held, silentMs: userData.silentMs }
  } catch {
    // falls through: an unreadable claim holds no slots
  }
  return { member: memberId, held: [], silentMs: Number.MAX_SAFE_INTEGER }
}
