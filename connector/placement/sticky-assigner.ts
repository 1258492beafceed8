import { AssignerProtocol, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'
import { assignSlots, type SlotClaim } from './assign-slots.ts'
import { streamsPerSlot } from './slots.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** What the members and the leader of the group must agree on; another name splits the group while versions are mixed. */
const assignerName = 'polaris-sticky'
const assignerVersion = 1

export interface StickyAssignerParts {
  readonly topic: string
  /** All streams of the connector, whoever runs them. */
  readonly streams: readonly string[]
  /** What this member had in its last assignment, and how long ago the group answered it. */
  readonly held: () => Pick<SlotClaim, 'held' | 'silentMs'>
}

/** Shares the partitions of the topic out as `assignSlots` says. What each member holds travels with its wish to join. */
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

/** How many slots there are, as far as this client knows; 0 before it has asked. */
export function slotCount(cluster: Cluster, topic: string): number {
  return cluster.findTopicPartitionMetadata(topic).length
}

/** What a member said; a member that says it in a way that is not known holds nothing. Exported for its test. */
export function claimOf({ memberId, memberMetadata }: GroupMember): SlotClaim {
  try {
    const said = JSON.parse(String(MemberMetadata.decode(memberMetadata)?.userData))
    const isKnown = Array.isArray(said.held) && said.held.every(Number.isInteger) && typeof said.silentMs === 'number'
    if (isKnown) return { member: memberId, held: said.held, silentMs: said.silentMs }
  } catch {
    // falls through: a claim that cannot be read is none
  }
  return { member: memberId, held: [], silentMs: Number.MAX_SAFE_INTEGER }
}
