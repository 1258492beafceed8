import { type Admin, AssignerProtocol, type GroupDescription } from 'kafkajs'
import { configurationDifference, type HashedSettings } from '../../placement/hashed-settings.ts'
import type { GroupMemberView, GroupView } from '../../placement/placement.ts'
import { partitionsOf } from '../admin/topics.ts'
import { type AdminParts, withAdmin } from '../kafka-connection.ts'
import { KafkaCode, publishError } from '../kafka-errors.ts'
import { memberData, streamsIn } from './sticky-assigner.ts'

interface GroupViewParts extends AdminParts {
  readonly group: string
  readonly topic: string
  readonly configuration: HashedSettings
}

/** The members in a group description, sorted by replica. */
export function membersOf(
  { members }: Pick<GroupDescription, 'members'>,
  viewer: Pick<GroupViewParts, 'topic' | 'configuration'> & { readonly slotCount: number },
): GroupMemberView[] {
  const views = members.map(({ clientId, clientHost, memberAssignment, memberMetadata }): GroupMemberView => {
    const slots = slotsOf(memberAssignment, viewer.topic)
    const reported = memberData(memberMetadata)?.settings
    return { replica: clientId, host: clientHost.replace(/^\//, ''), slots, ...streamsOf(slots, reported, viewer) }
  })
  return views.sort((one, other) => (one.replica < other.replica ? -1 : 1))
}

function streamsOf(
  slots: readonly number[],
  reported: HashedSettings | undefined,
  { configuration, slotCount }: Pick<GroupViewParts, 'configuration'> & { readonly slotCount: number },
): Pick<GroupMemberView, 'streams' | 'unknownStreams' | 'difference'> {
  const inSlots = ({ streams }: HashedSettings) => [...streamsIn(slots, Object.keys(streams), slotCount)]
  const streams = inSlots(reported ?? configuration)
  const unknownStreams = inSlots(configuration).filter((stream) => !streams.includes(stream))
  const difference = configurationDifference(configuration, reported)
  return { streams, ...(unknownStreams.length > 0 && { unknownStreams }), ...(difference && { difference }) }
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

async function readGroup(admin: Admin, { group, topic, configuration }: GroupViewParts): Promise<GroupView> {
  const slotCount = (await partitionsOf(admin, topic)).length
  const { groups } = await admin.describeGroups([group])
  const [found] = groups
  if (found === undefined) throw publishError(`describe group ${group}`, new Error('the response contains no group'))
  return { state: found.state, slots: slotCount, members: membersOf(found, { topic, configuration, slotCount }) }
}

/** Empty for a member that has not received its assignment yet. */
function slotsOf(assignment: Buffer, topic: string): number[] {
  const decoded = assignment.length === 0 ? undefined : AssignerProtocol.MemberAssignment.decode(assignment)
  return (decoded?.assignment[topic] ?? []).toSorted((one, other) => one - other)
}
