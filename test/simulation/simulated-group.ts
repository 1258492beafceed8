import { createMembership, type Membership } from '../../connector/placement/membership.ts'
import type { Placement } from '../../connector/placement/placement.ts'
import { groupDefaults } from '../../connector/placement/placement-config.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import type { ProcessLife } from './process-life.ts'

/**
 * A group that shares the streams out among its members, as a consumer group does: who is silent for longer than a session is dropped; a new
 * assignment reaches each member when the history lets it, so that for a while a stream has two owners, or none. It may be wrong too.
 */
export interface SimulatedGroup {
  placement(name: string, life: ProcessLife, clock: Clock): Placement
  /** Gives a stream to these members: one, none, or several. */
  assign(stream: string, owners: readonly string[]): void
  /** Gives each stream to exactly one member, and moves only what has to move. */
  rebalance(): void
  /** The group hears no more from a member, nor it from the group. */
  silence(name: string): void
  /** The connection of a silent member works again: soon it learns what it missed. */
  hear(name: string): void
  /** Drops whoever was silent for longer than a session. */
  expire(): void
  members(): readonly string[]
  ownersOf(stream: string): readonly string[]
}

interface Member {
  readonly name: string
  readonly life: ProcessLife
  readonly clock: Clock
  readonly membership: Membership
  readonly onChange: (assigned: ReadonlySet<string>) => void
  /** `joining`: it is to be told of a new assignment. */
  state: 'heard' | 'joining' | 'silent'
  silentSince: number
  isTold: boolean
}

export interface GroupParts {
  readonly streams: readonly string[]
  readonly time: Pick<Clock, 'monotonic'>
  /** Does something for a member when the history lets it. */
  readonly later: (member: string, what: 'assignment' | 'heartbeat' | 'leave', go: () => void) => void
}

export function simulatedGroup(parts: GroupParts): SimulatedGroup {
  const group: Group = { parts, members: new Map(), known: new Map(), owners: new Map() }
  return {
    placement: (name, life, clock) => placementOf(group, name, { life, clock }),
    assign: (stream, owners) => {
      group.owners.set(stream, owners)
      tellAll(group)
    },
    rebalance: () => rebalance(group),
    silence: (name) => silence(group, name),
    hear: (name) => hear(group, name),
    expire: () => expire(group),
    members: () => [...group.members.keys()],
    ownersOf: (stream) => group.owners.get(stream) ?? [],
  }
}

interface Group {
  readonly parts: GroupParts
  /** Who belongs to the group now. */
  readonly members: Map<string, Member>
  /** Who ever did and did not leave. */
  readonly known: Map<string, Member>
  readonly owners: Map<string, readonly string[]>
}

function placementOf(group: Group, name: string, { life, clock }: Pick<Member, 'life' | 'clock'>): Placement {
  const membership = createMembership(groupDefaults, clock)
  const isSilent = () => group.known.get(name)?.state !== 'heard'
  const listen = () => {
    if (!isSilent()) membership.heard(clock.monotonic())
  }
  return {
    run: (onChange, stop) =>
      new Promise((resolve) => {
        const member: Member = {
          name,
          life,
          clock,
          membership,
          onChange,
          state: 'joining',
          silentSince: 0,
          isTold: false,
        }
        group.known.set(name, member)
        join(group, member)
        const leave = () =>
          group.parts.later(name, 'leave', () => {
            leaveGroup(group, member)
            life.whenRunning(resolve)
          })
        stop.addEventListener('abort', leave, { once: true })
      }),
    isAssigned: (stream) => {
      listen()
      return membership.has(stream) && !membership.isExpired()
    },
    isConfirmed: (stream, since) => {
      listen()
      return membership.has(stream) && membership.heardAt() > since
    },
  }
}

function join(group: Group, member: Member): void {
  group.members.set(member.name, member)
  rebalance(group)
}

function leaveGroup(group: Group, member: Member): void {
  group.known.delete(member.name)
  member.membership.left()
  if (group.members.delete(member.name)) rebalance(group)
}

function rebalance(group: Group): void {
  const { parts, members, owners } = group
  const load = new Map([...members.keys()].map((name) => [name, 0]))
  const give = (stream: string, name: string) => {
    owners.set(stream, [name])
    load.set(name, (load.get(name) ?? 0) + 1)
  }
  const keeps = (stream: string) => owners.get(stream)?.find((name) => members.has(name))
  const share = Math.ceil(parts.streams.length / Math.max(1, members.size))
  const homeless = parts.streams.filter((stream) => {
    const owner = keeps(stream)
    if (owner === undefined || (load.get(owner) ?? 0) >= share) return true
    give(stream, owner)
    return false
  })
  for (const stream of homeless) {
    const [least] = [...load].sort(([, one], [, other]) => one - other)
    if (least === undefined) owners.set(stream, [])
    else give(stream, least[0])
  }
  tellAll(group)
}

function tellAll(group: Group): void {
  for (const member of group.members.values()) {
    member.isTold = false
    if (member.state === 'heard') {
      member.membership.heard(member.clock.monotonic())
      member.membership.rebalancing()
      member.state = 'joining'
    }
    if (member.state === 'joining') group.parts.later(member.name, 'assignment', () => tell(group, member))
  }
}

function tell(group: Group, member: Member): void {
  if (member.state !== 'joining' || member.isTold || group.members.get(member.name) !== member) return
  const streams = new Set(group.parts.streams.filter((stream) => group.owners.get(stream)?.includes(member.name)))
  member.isTold = true
  member.state = 'heard'
  member.membership.joined({ slots: [], streams, heardAt: member.clock.monotonic() })
  member.onChange(streams)
}

function silence({ known, parts }: Group, name: string): void {
  const member = known.get(name)
  if (member === undefined || member.state === 'silent') return
  if (member.state === 'heard') member.membership.heard(member.clock.monotonic())
  member.state = 'silent'
  member.silentSince = parts.time.monotonic()
}

function hear(group: Group, name: string): void {
  const member = group.known.get(name)
  if (member?.state !== 'silent') return
  group.parts.later(name, 'heartbeat', () => {
    if (member.state !== 'silent' || !member.life.isRunning() || group.known.get(name) !== member) return
    if (!group.members.has(name)) {
      member.membership.broke()
      member.state = 'joining'
      join(group, member)
      return
    }
    member.state = member.isTold ? 'heard' : 'joining'
    if (member.isTold) member.membership.heard(member.clock.monotonic())
    else group.parts.later(name, 'assignment', () => tell(group, member))
  })
}

function expire(group: Group): void {
  const { members, parts } = group
  const over = [...members.values()].filter(
    ({ state, silentSince }) =>
      state === 'silent' && parts.time.monotonic() - silentSince > groupDefaults.sessionTimeoutMs,
  )
  for (const { name } of over) members.delete(name)
  if (over.length > 0) rebalance(group)
}
