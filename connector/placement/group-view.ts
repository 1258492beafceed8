import { type Admin, AssignerProtocol, type GroupDescription } from 'kafkajs'
import { hasKafkaCode, publishError } from '../publish/classify-kafka-error.ts'
import { type AdminParts, withAdmin } from '../publish/kafka-session.ts'
import { streamsIn } from './slots.ts'

/** One replica as the group knows it. */
export interface GroupMemberView {
  readonly replica: string
  readonly host: string
  readonly slots: readonly number[]
  /** The streams that belong to its slots. */
  readonly streams: readonly string[]
}

/** The group as its coordinator sees it. */
export interface GroupView {
  /** In Kafka's words: `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, `Dead` (nobody was ever there). */
  readonly state: string
  readonly slots: number
  readonly members: readonly GroupMemberView[]
}

export interface GroupViewParts extends AdminParts {
  readonly group: string
  readonly topic: string
  readonly streams: readonly string[]
}

/** What the description of a group says of its members, by name. */
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

/** Who shares the streams, and how; changes nothing. Rejects with `publish.*` or the reason of `stop`. */
export function viewGroup(parts: GroupViewParts, stop: AbortSignal): Promise<GroupView> {
  const { group, topic } = parts
  const needs = { 29: `DESCRIBE on topic ${topic}`, 30: `DESCRIBE on group ${group}` }
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
  if (found === undefined) throw publishError(`describe group ${group}`, new Error('no answer'))
  return { state: found.state, slots: slotCount, members: membersOf(found, { topic, streams, slotCount }) }
}

/** 0: the topic does not exist. */
async function countSlots(admin: Admin, topic: string): Promise<number> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.find(({ name }) => name === topic)?.partitions.length ?? 0
  } catch (error) {
    if (hasKafkaCode(error, 3)) return 0 // UNKNOWN_TOPIC_OR_PARTITION
    throw error
  }
}

/** A member that has not got its assignment yet has none. */
function slotsOf(assignment: Buffer, topic: string): number[] {
  const decoded = assignment.length === 0 ? undefined : AssignerProtocol.MemberAssignment.decode(assignment)
  return (decoded?.assignment[topic] ?? []).toSorted((one, other) => one - other)
}
