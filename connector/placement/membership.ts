import type { Clock } from '../runtime/clock.ts'
import type { GroupConfig } from './placement-config.ts'

/** What the group has last said to this replica, and how much of it can still be relied on; it outlives the connections. */
export interface Membership {
  has(stream: string): boolean
  slots(): readonly number[]
  /** When the request that the group answered last was sent, of `clock.monotonic()`: a session counts from there. */
  heardAt(): number
  silentMs(): number
  /** Whether the group may have given the streams to others by now; right after a stall too, before anything is heard. */
  isExpired(): boolean
  /** Once for each silence that is longer than the session. */
  hasJustExpired(): boolean
  joined(assignment: { slots: readonly number[]; streams: ReadonlySet<string>; heardAt: number }): void
  heard(at: number): void
  rebalancing(): void
  broke(): void
  left(): void
}

const never = Number.NEGATIVE_INFINITY

export function createMembership(settings: GroupConfig, clock: Clock): Membership {
  const nothing = { slots: [] as readonly number[], streams: new Set<string>() as ReadonlySet<string>, heardAt: never }
  let last = nothing
  let isRebalancing = false
  let toldOf = never
  const silentMs = () => clock.monotonic() - last.heardAt
  // While a new assignment is made, which may take so long, no heartbeat is sent.
  const limitMs = () => settings.sessionTimeoutMs + (isRebalancing ? settings.rebalanceTimeoutMs : 0)
  const isExpired = () => silentMs() > limitMs()
  return {
    has: (stream) => last.streams.has(stream),
    slots: () => last.slots,
    heardAt: () => last.heardAt,
    silentMs,
    isExpired,
    hasJustExpired: () => {
      if (!isExpired() || toldOf === last.heardAt) return false
      toldOf = last.heardAt
      return true
    },
    joined: (assignment) => {
      last = assignment
      isRebalancing = false
    },
    heard: (at) => {
      last = { ...last, heardAt: at }
    },
    rebalancing: () => {
      isRebalancing = !isExpired() // who has expired already has no part in it
    },
    broke: () => {
      isRebalancing = false
    },
    left: () => {
      last = nothing
    },
  }
}
