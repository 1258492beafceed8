import { type Admin, AssignerProtocol, type GroupDescription } from 'kafkajs'
import { type AdminParts, withAdmin } from '../kafka/kafka-connection.ts'
import { hasKafkaCode, KafkaCode, publishError } from '../kafka/kafka-errors.ts'
import { streamsIn } from './slots.ts'

/** One replica as a member of the group. */
export interface GroupMemberView {
  readonly replica: string
  readonly host: string
  readonly slots: readonly number[]
  /** The streams of its slots. */
  readonly streams: readonly string[]
}

/** The group as described by its coordinator. */
export interface GroupView {
  /** Kafka's state: `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, or `Dead` (does not exist). */
  readonly state: string
  readonly slots: number
  readonly members: readonly GroupMemberView[]
}

interface GroupViewParts extends AdminParts {
  readonly group: string
  readonly topic: string
  readonly streams: readonly string[]
}

/** The members in a group description, sorted by replica. */
export function membersOf(
  { members }: Pick<GroupDescription, 'members'>,
  { topic, streams, slotCount }: { topic: string; streams: readonly string[]; slotCount: number },
): GroupMemberView[] {
  const views = members.map(({ clientId, clientHost, memberAssignment }): GroupMemberView => {
    const slots = slotsOf(memberAssignment, topic)
    return {
      ...{ replica: clientId, host: clientHost.replace(/^\//, ''), slots },
      streams: [...streamsIn(slots, streams, slotCount)],
    }
  })
  return views.sort((one, other) => (one.replica < other.replica ? -1 : 1))
}

/** Describes the group and its assignment; read-only. Rejects with `publish.*` or the reason of `stop`. */
export function viewGroup(parts: GroupViewParts, stop: AbortSignal): Promise<GroupView> {
  const { group, topic } = parts
  const needs = {
    [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `DESCRIBE on topic ${topic}`,
    [KafkaCode.GROUP_AUTHORIZATION_FAILED]: `DESCRIBE on group ${group}`,
  }
  return withAdmin(
    parts,
    { operation: `describe group ${group}`, needs, work: (admin) => readGroup(admin, parts) },
    stop,
  )
}

async function readGroup(admin: Admin, { group, topic, streams }: GroupViewParts): Promise<GroupView> {
  const slotCount = await countSlots(admin, topic)
  const { groups } = await admin.describeGroups([group])
  const [found] = groups
  if (found === undefined) throw publishError(`describe group ${group}`, new Error('the response contains no group'))
  return { state: found.state, slots: slotCount, members: membersOf(found, { topic, streams, slotCount }) }
}

/** 0 if the topic does not exist. */
async function countSlots(admin: Admin, topic: string): Promise<number> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.find(({ name }) => name === topic)?.partitions.length ?? 0
  } catch (error) {
    if (hasKafkaCode(error, KafkaCode.UNKNOWN_TOPIC_OR_PARTITION)) return 0
    throw error
  }
}

/** Empty for a member that has not received its assignment yet. */
function slotsOf(assignment: Buffer, topic: string): number[] {
  const decoded = assignment.length === 0 ? undefined : AssignerProtocol.MemberAssignment.decode(assignment)
  return (decoded?.assignment[topic] ?? []).toSorted((one, other) => one - other)
}
