import { type Admin, AssignerProtocol, type GroupDescription } from 'kafkajs'
import type { GroupMemberView, GroupView } from '../../placement/placement.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { partitionsOf } from '../admin/topics.ts'
import { type AdminParts, withAdmin } from '../kafka-connection.ts'
import { KafkaCode } from '../kafka-errors.ts'
import { streamsIn } from './sticky-assigner.ts'

interface GroupViewParts extends AdminParts {
  readonly group: string
  readonly topic: string
  /** All streams of the connector. */
  readonly streams: readonly string[]
}

/** The members in a group description, sorted by replica. */
export function membersOf(
  { members }: Pick<GroupDescription, 'members'>,
  { topic, streams, slotCount }: Pick<GroupViewParts, 'topic' | 'streams'> & { readonly slotCount: number },
): GroupMemberView[] {
  const views = members.map(({ clientId, clientHost, memberAssignment }): GroupMemberView => {
    const slots = slotsOf(memberAssignment, topic)
    const host = clientHost.replace(/^\//, '')
    return { replica: clientId, host, slots, streams: [...streamsIn(slots, streams, slotCount)] }
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
  const slotCount = (await partitionsOf(admin, topic)).length
  const { groups } = await admin.describeGroups([group])
  const [found] = groups
  if (found === undefined)
    throw new ConnectorError('publish.failed', `describe group ${group}: the answer has no such group`)
  return { slots: slotCount, members: membersOf(found, { topic, streams, slotCount }) }
}

/** Empty for a member that has not received its assignment yet. */
function slotsOf(assignment: Buffer, topic: string): number[] {
  const decoded = assignment.length === 0 ? undefined : AssignerProtocol.MemberAssignment.decode(assignment)
  return (decoded?.assignment[topic] ?? []).toSorted((one, other) => one - other)
}
