import type { AssignedEvent } from '../pipeline/assigned-event.ts'
import type { PlacementEvent } from '../placement/placement-event.ts'
import { isTransient } from '../runtime/connector-error.ts'
import { type ByKind, byKind } from './by-kind.ts'
import { toLogFields } from './error-fields.ts'
import type { ReplicaEvent } from './group-status.ts'
import type { LogFields, LogLevel, LogLine } from './log.ts'

/** The log line of what happens to this replica among the others: info where streams move, debug where none does. */
export function replicaLine(event: ReplicaEvent): LogLine {
  return byKind(lines, event)
}

const line = (level: LogLevel, message: string, fields: LogFields = {}): LogLine => ({ level, message, fields })

const lines: ByKind<LogLine, ReplicaEvent> = {
  'group-joined': ({ slots, kept, streams, tookMs }) =>
    line('debug', 'joined the group', { slots: slots.length, kept, streams, tookMs }),
  'group-seen': ({ members }) => line('debug', 'the group is shared out', { replicas: members.length }),
  'session-expired': ({ silentMs }) =>
    line('warn', 'the group was silent for longer than a session: others may have the streams', {
      silentMs: Math.round(silentMs),
    }),
  'group-broken': groupBroken,
  'group-rebuilt': ({ tries, tookMs }) => line('info', 'in the group again', { tries, tookMs: Math.round(tookMs) }),
  'group-left': () => line('info', 'left the group'),
  'assignment-changed': assignmentChanged,
  'stream-let-go': ({ stream, tookMs }) =>
    line('info', 'stream let go: it is assigned to another replica', { stream, tookMs: Math.round(tookMs) }),
  'stream-contested': ({ stream, fences, pauseMs }) =>
    line('warn', 'another owner takes the stream again and again', { stream, fences, pauseMs: Math.round(pauseMs) }),
}

type Told<K extends ReplicaEvent['kind']> = Extract<PlacementEvent | AssignedEvent, { kind: K }>

function groupBroken({ error }: Told<'group-broken'>): LogLine {
  const level = isTransient(error) ? 'warn' : 'error'
  return line(level, 'not in the group, trying again: running streams go on, no other is taken', toLogFields(error))
}

function assignmentChanged({ streams, gained, lost }: Told<'assignment-changed'>): LogLine {
  return streams === 0
    ? line('info', 'standing by: no stream is assigned to this replica', { lost })
    : line('info', 'streams assigned', { streams, gained, lost })
}
