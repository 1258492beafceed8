import { AssignerProtocol, type GroupDescription } from 'kafkajs'
import type { GroupMemberView } from '../../placement/placement.ts'
import { streamsIn } from './sticky-assigner.ts'

interface GroupViewParts {
  readonly topic: string
  /** All streams of the connector. */
  readonly streams: readonly string[]
}

/** The members in a group description, sorted by replica. */
export function membersOf(
  { members }: Pick<GroupDescription, 'members'>,
  { topic, streams, slotCount }: GroupViewParts & { readonly slotCount: number },
): GroupMemberView[] {
  const views = members.map(({ clientId, clientHost, memberAssignment }): GroupMemberView => {
    const slots = slotsOf(memberAssignment, topic)
    const host = clientHost.replace(/^\//, '')
    return { replica: clientId, host, slots, streams: [...streamsIn(slots, streams, slotCount)] }
  })
  return views.sort((one, other) => (one.replica < other.replica ? -1 : 1))
}

/** Empty for a member that has not received its assignment yet. */
function slotsOf(assignment: Buffer, topic: string): number[] {
  const decoded = assignment.length === 0 ? undefined : AssignerProtocol.MemberAssignment.decode(assignment)
  return (decoded?.assignment[topic] ?? []).toSorted((one, other) => one - other)
}
