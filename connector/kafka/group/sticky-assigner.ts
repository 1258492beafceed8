import { AssignerProtocol, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'
import { assignSlots, type SlotClaim } from '../../placement/assign-slots.ts'
import type { HashedSettings } from '../../placement/hashed-settings.ts'
import { decodeMemberData, encodeMemberData, type MemberData } from './member-data.ts'
import { streamsPerSlot } from './slots.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** All members must use the same name: a different one splits the group while versions are mixed. */
const assignerName = 'polaris-sticky'
const assignerVersion = 1

interface StickyAssignerParts {
  readonly topic: string
  /** Of this replica. */
  readonly configuration: HashedSettings
  /** The slots of this member's last assignment, and the time since the group last answered it. */
  readonly held: () => Pick<SlotClaim, 'held' | 'silentMs'>
}

/** Assigns the partitions with `assignSlots`. Each member sends the slots it holds when it joins. */
export function stickyAssigner({ topic, configuration, held }: StickyAssignerParts): PartitionAssigner {
  return ({ cluster }) => ({
    name: assignerName,
    version: assignerVersion,
    protocol: ({ topics }) => ({
      name: assignerName,
      metadata: MemberMetadata.encode({
        version: assignerVersion,
        topics,
        userData: encodeMemberData({ ...held(), settings: configuration }),
      }),
    }),
    assign: async ({ members }) => {
      const streams = streamsPerSlot(Object.keys(configuration.streams), slotCount(cluster, topic))
      const shares = assignSlots(members.map(claimOf), streams)
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

/** The data of a member, as it sent them when it joined; undefined if they have an unknown format. */
export function memberData(memberMetadata: Buffer): MemberData | undefined {
  try {
    const userData = MemberMetadata.decode(memberMetadata)?.userData
    return userData && decodeMemberData(userData)
  } catch {
    return undefined
  }
}

/** The claim of a member; one with an unknown format holds no slots. Exported for its test. */
export function claimOf({ memberId: member, memberMetadata }: GroupMember): SlotClaim {
  const { held, silentMs } = memberData(memberMetadata) ?? { held: [], silentMs: Number.MAX_SAFE_INTEGER }
  return { member, held, silentMs }
}
