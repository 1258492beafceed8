import type { Placement } from '../../connector/placement/placement.ts'
import { groupDefaults } from '../../connector/placement/placement-config.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/**
 * Assigns the streams to its members, as a consumer group does. A member that is disconnected for longer than the
 * session timeout is removed. A new assignment reaches each member when the history releases it, so that a stream may
 * have two owners, or none, for a while. Assignments may also be wrong.
 */
export interface SimulatedGroup {
  placement(name: string, process: SimulatedProcess): Placement
  /** Assigns a stream to these members: one, none, or several. */
  assign(stream: string, owners: readonly string[]): void
  /** Assigns each stream to exactly one member; moves no more streams than necessary. */
  rebalance(): void
  /** Stops all communication between the group and a member. */
  disconnect(name: string): void
  /** Restores the communication; the member soon gets what it missed. */
  reconnect(name: string): void
  /** Removes members that are disconnected for longer than the session timeout. */
  expire(): void
  members(): readonly string[]
  ownersOf(stream: string): readonly string[]
}

interface Member {
  readonly name: string
  readonly process: SimulatedProcess
  readonly onChange: (assigned: ReadonlySet<string>) => void
  /** `joining`: waits for a new assignment. */
  state: 'connected' | 'joining' | 'disconnected'
  disconnectedSince: number
  hasAssignment: boolean
}

export interface GroupParts {
  readonly streams: readonly string[]
  readonly time: Pick<Clock, 'monotonic'>
  /** Performs an action for a member when the history releases it. */
  readonly later: (member: string, what: 'assignment' | 'heartbeat' | 'leave', action: () => void) => void
}

export function simulatedGroup(parts: GroupParts): SimulatedGroup {
  const group: Group = { parts, members: new Map(), known: new Map(), owners: new Map() }
  return {
    placement: (name, process) => placementOf(group, name, process),
    assign: (stream, owners) => {
      group.owners.set(stream, owners)
      announceAssignments(group)
    },
    rebalance: () => rebalance(group),
    disconnect: (name) => disconnect(group, name),
    reconnect: (name) => reconnect(group, name),
    expire: () => expire(group),
    members: () => [...group.members.keys()],
    ownersOf: (stream) => group.owners.get(stream) ?? [],
  }
}

interface Group {
  readonly parts: GroupParts
  readonly members: Map<string, Member>
  /** Members, current and expired, that have not left. */
  readonly known: Map<string, Member>
  readonly owners: Map<string, readonly string[]>
}

function placementOf(group: Group, name: string, process: SimulatedProcess): Placement {
  return {
    run: (onChange, stop) =>
      new Promise((resolve) => {
        const state = { state: 'joining', disconnectedSince: 0, hasAssignment: false } as const
        const member: Member = { name, process, onChange, ...state }
        group.known.set(name, member)
        join(group, member)
        const leave = () =>
          group.parts.later(name, 'leave', () => {
            leaveGroup(group, member)
            process.whenRunning(resolve)
          })
        stop.addEventListener('abort', leave, { once: true })
      }),
  }
}

function join(group: Group, member: Member): void {
  group.members.set(member.name, member)
  rebalance(group)
}

function leaveGroup(group: Group, member: Member): void {
  group.known.delete(member.name)
  if (group.members.delete(member.name)) rebalance(group)
}

function rebalance(group: Group): void {
  const { parts, members, owners } = group
  const load = new Map([...members.keys()].map((name) => [name, 0]))
  const give = (stream: string, name: string) => {
    owners.set(stream, [name])
    load.set(name, (load.get(name) ?? 0) + 1)
  }
  const currentOwner = (stream: string) => owners.get(stream)?.find((name) => members.has(name))
  const share = Math.ceil(parts.streams.length / Math.max(1, members.size))
  const unassigned = parts.streams.filter((stream) => {
    const owner = currentOwner(stream)
    if (owner === undefined || (load.get(owner) ?? 0) >= share) return true
    give(stream, owner)
    return false
  })
  for (const stream of unassigned) {
    const [least] = [...load].sort(([, one], [, other]) => one - other)
    if (least === undefined) owners.set(stream, [])
    else give(stream, least[0])
  }
  announceAssignments(group)
}

function announceAssignments(group: Group): void {
  for (const member of group.members.values()) {
    member.hasAssignment = false
    if (member.state === 'connected') member.state = 'joining'
    if (member.state === 'joining') group.parts.later(member.name, 'assignment', () => deliverAssignment(group, member))
  }
}

function deliverAssignment(group: Group, member: Member): void {
  if (member.state !== 'joining' || member.hasAssignment || group.members.get(member.name) !== member) return
  const streams = new Set(group.parts.streams.filter((stream) => group.owners.get(stream)?.includes(member.name)))
  member.hasAssignment = true
  member.state = 'connected'
  member.onChange(streams)
}

function disconnect({ known, parts }: Group, name: string): void {
  const member = known.get(name)
  if (member === undefined || member.state === 'disconnected') return
  member.state = 'disconnected'
  member.disconnectedSince = parts.time.monotonic()
}

function reconnect(group: Group, name: string): void {
  const member = group.known.get(name)
  if (member?.state !== 'disconnected') return
  group.parts.later(name, 'heartbeat', () => {
    if (member.state !== 'disconnected' || !member.process.isRunning() || group.known.get(name) !== member) return
    if (!group.members.has(name)) {
      member.state = 'joining'
      join(group, member)
      return
    }
    member.state = member.hasAssignment ? 'connected' : 'joining'
    if (!member.hasAssignment) group.parts.later(name, 'assignment', () => deliverAssignment(group, member))
  })
}

function expire(group: Group): void {
  const { members, parts } = group
  const expired = [...members.values()].filter(
    ({ state, disconnectedSince }) =>
      state === 'disconnected' && parts.time.monotonic() - disconnectedSince > groupDefaults.sessionTimeoutMs,
  )
  for (const { name } of expired) members.delete(name)
  if (expired.length > 0) rebalance(group)
}
