import { differenceText } from '../placement/hashed-settings.ts'
import type { GroupMemberView, PlacementEvent } from '../placement/placement.ts'
import type { ServerEvent } from '../runtime/circuit.ts'
import { isTransient } from '../runtime/connector-error.ts'
import type { AssignedEvent } from '../stream/assignment.ts'
import { type ByKind, byKind } from './by-kind.ts'
import { toLogFields } from './error-fields.ts'
import { type GroupStatus, isDifferent, type ReplicaEvent } from './group-status.ts'
import type { LogFields, LogLevel, LogLine } from './logger.ts'

/** The log line of an event of this replica: info if streams move, debug if none does. */
export function replicaLine(event: ReplicaEvent): LogLine {
  return byKind(lines, event)
}

const line = (level: LogLevel, message: string, fields: LogFields = {}): LogLine => ({ level, message, fields })

const lines: ByKind<LogLine, ReplicaEvent> = {
  'group-joined': ({ slots, kept, streams, tookMs }) =>
    line('debug', 'joined the consumer group', { slots: slots.length, kept, streams, tookMs }),
  'group-described': ({ members }) => line('debug', 'consumer group is stable', { replicas: members.length }),
  'session-expired': ({ silentMs }) =>
    line('warn', 'consumer group session expired: other replicas may own the streams', {
      silentMs: Math.round(silentMs),
    }),
  'membership-lost': membershipLost,
  'membership-restored': ({ attempts, tookMs }) =>
    line('info', 'rejoined the consumer group', { attempts, tookMs: Math.round(tookMs) }),
  'group-left': () => line('info', 'left the consumer group'),
  'assignment-changed': assignmentChanged,
  'stream-released': ({ stream, tookMs }) =>
    line('info', 'stream released: assigned to another replica', { stream, tookMs: Math.round(tookMs) }),
  'stream-contested': ({ stream, fences, pauseMs }) =>
    line('warn', 'another process repeatedly takes the stream', { stream, fences, pauseMs: Math.round(pauseMs) }),
}

/** The log line when the state of a Polaris server changes; its streams log nothing meanwhile. */
export function serverLine({ server, trouble, error, probes, failedForMs }: ServerEvent): LogLine {
  switch (trouble) {
    case 'source-down':
      return line('warn', 'server is down, its streams wait', { server, ...toLogFields(error) })
    case 'throttled':
      return line('warn', 'server asks to wait, its streams wait', { server, ...toLogFields(error) })
    case null:
      return line('info', 'server answers again, its streams resume', { server, probes, failedForMs })
  }
}

/** Log lines about configurations that differ, each once, and one when all agree again. */
export function configurationLines(before: GroupStatus, { members }: GroupStatus): readonly LogLine[] {
  const known = new Set(before.members.map(differenceKey))
  const news = members.filter((member) => isDifferent(member) && !known.has(differenceKey(member)))
  if (news.length > 0) return news.map(differenceLine)
  const agreeAgain = before.members.some(isDifferent) && members.length > 0 && !members.some(isDifferent)
  return agreeAgain ? [line('info', 'all replicas have the same configuration again')] : []
}

const differenceKey = ({ replica, difference }: GroupMemberView) => JSON.stringify([replica, difference])

function differenceLine({ replica: other, difference, unknownStreams = [] }: GroupMemberView): LogLine {
  return line('warn', 'another replica has a different configuration', {
    other,
    difference: difference && differenceText(difference),
    ...(unknownStreams.length > 0 ? { streamsRunningNowhere: unknownStreams } : {}),
  })
}

type EventOf<K extends ReplicaEvent['kind']> = Extract<PlacementEvent | AssignedEvent, { kind: K }>

function membershipLost({ error }: EventOf<'membership-lost'>): LogLine {
  const level = isTransient(error) ? 'warn' : 'error'
  return line(
    level,
    'cannot join the consumer group, retrying: running streams continue, none are added',
    toLogFields(error),
  )
}

function assignmentChanged({ streams, gained, lost }: EventOf<'assignment-changed'>): LogLine {
  return streams === 0
    ? line('info', 'standing by: no stream is assigned to this replica', { lost })
    : line('info', 'streams assigned', { streams, gained, lost })
}
