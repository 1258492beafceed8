import { AssignerProtocol, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'
import { assignSlots, type SlotClaim } from '../../placement/assign-slots.ts'
import { partitionOf } from '../../publish/partitioner.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** All members must use the same name: a different one splits the group while versions are mixed. */
const assignerName = 'polaris-sticky'
const assignerVersion = 1

interface StickyAssignerParts {
  readonly topic: string
  /** The streams of this replica. */
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
        userData: encodeMemberData(held()),
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
export function claimOf({ memberId: member, memberMetadata }: GroupMember): SlotClaim {
  const { held, silentMs } = memberData(memberMetadata) ?? { held: [], silentMs: Number.MAX_SAFE_INTEGER }
  return { member, held, silentMs }
}

/** What a replica reports to the group about itself when it joins. */
type MemberData = Pick<SlotClaim, 'held' | 'silentMs'>

function encodeMemberData({ held, silentMs }: MemberData): Buffer {
  const finite = Math.min(silentMs, Number.MAX_SAFE_INTEGER) // infinite for a new member
  return Buffer.from(JSON.stringify({ held, silentMs: finite }))
}

function memberData(memberMetadata: Buffer): MemberData | undefined {
  try {
    const data: unknown = JSON.parse(MemberMetadata.decode(memberMetadata)?.userData.toString() ?? '')
    return isMemberData(data) ? data : undefined
  } catch {
    return undefined
  }
}

function isMemberData(data: unknown): data is MemberData {
  const { held, silentMs }: Partial<Record<keyof MemberData, unknown>> = Object(data)
  return Array.isArray(held) && held.every(Number.isInteger) && typeof silentMs === 'number'
}

/**
 * The slot of a stream: the partition that Kafka's Java client selects for a record whose key is the stream name
 * (murmur2) in a topic with `slots` partitions. It does not depend on other streams; changing the number of slots moves
 * most streams.
 */
export function slotOf(stream: string, slots: number): number {
  return partitionOf(Buffer.from(stream), slots)
}

/** The streams whose slot is in `held`. */
export function streamsIn(held: readonly number[], streams: readonly string[], slots: number): ReadonlySet<string> {
  const wanted = new Set(held)
  return new Set(slots === 0 ? [] : streams.filter((stream) => wanted.has(slotOf(stream, slots))))
}

/** The number of streams in each slot. */
export function streamsPerSlot(streams: readonly string[], slots: number): number[] {
  const counts = Array.from({ length: slots }, () => 0)
  if (slots === 0) return counts
  for (const stream of streams) {
    const slot = slotOf(stream, slots)
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}
