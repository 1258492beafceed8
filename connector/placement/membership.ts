import type { Clock } from '../runtime/clock.ts'
import type { StreamAssignment } from './placement.ts'
import { groupDefaults } from './placement-config.ts'

/** The last assignment that this replica received, and whether it is still valid; kept across connections. */
export interface Membership {
  has(stream: string): boolean
  assignmentOf(stream: string): StreamAssignment
  slots(): readonly number[]
  /** When the request last answered by the group was sent (`clock.monotonic()`): the session starts there. */
  heardAt(): number
  silentMs(): number
  /** Whether other replicas may own the streams; also true right after a stall, before the next answer. */
  isExpired(): boolean
  /** Returns true once for each expired session. */
  hasJustExpired(): boolean
  joined(assignment: { slots: readonly number[]; streams: ReadonlySet<string>; heardAt: number }): void
  heard(at: number): void
  rebalancing(): void
  lost(): void
  left(): void
}

const never = Number.NEGATIVE_INFINITY

export function createMembership(clock: Clock): Membership {
  const nothing = { slots: [] as readonly number[], streams: new Set<string>() as ReadonlySet<string>, heardAt: never }
  let last = nothing
  let isRebalancing = false
  let reportedAt = never
  const silentMs = () => clock.monotonic() - last.heardAt
  // No heartbeat is sent during a rebalance, which may take this long.
  const limitMs = () => groupDefaults.sessionTimeoutMs + (isRebalancing ? groupDefaults.rebalanceTimeoutMs : 0)
  const isExpired = () => silentMs() > limitMs()
  return {
    has: (stream) => last.streams.has(stream),
    assignmentOf: (stream) => {
      if (!last.streams.has(stream)) return 'elsewhere'
      return isExpired() ? 'unknown' : 'here'
    },
    slots: () => last.slots,
    heardAt: () => last.heardAt,
    silentMs,
    isExpired,
    hasJustExpired: () => {
      if (!isExpired() || reportedAt === last.heardAt) return false
      reportedAt = last.heardAt
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
      isRebalancing = !isExpired() // an expired member does not take part in the rebalance
    },
    lost: () => {
      isRebalancing = false
    },
    left: () => {
      last = nothing
    },
  }
}
