import { createMembership, type Membership } from '../../placement/membership.ts'
import type { Placement, PlacementEvent } from '../../placement/placement.ts'
import { type GroupConfig, slotsTopic } from '../../placement/placement-config.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError, codeOf, isTransient } from '../../runtime/connector-error.ts'
import { pauseMs } from '../../runtime/retry.ts'
import { type KafkaClient, type KafkaLog, kafkaClient } from '../kafka-client.ts'
import type { KafkaConnection } from '../kafka-config.ts'
import { beMember, type MemberParts } from './group-member.ts'
import type { Joined } from './slot-consumer.ts'
import { streamsIn } from './sticky-assigner.ts'

interface GroupPlacementParts {
  /** Also the name of the consumer group. */
  readonly connector: string
  /** The client id of this replica in the group. */
  readonly replica: string
  /** All streams; the same ones on every replica. */
  readonly streams: readonly string[]
  readonly kafka: KafkaConnection
  readonly clock: Clock
  readonly log: KafkaLog
  readonly observe: (event: PlacementEvent) => void
  /** Replaces `kafkaClient` in tests. */
  readonly connect?: (() => KafkaClient) | undefined
}

/** Placement by a consumer group on the slots topic, which is never read. Connects when `run` is called. */
export function groupPlacement(settings: GroupConfig, parts: GroupPlacementParts): Placement {
  const membership = createMembership(settings, parts.clock)
  return {
    run: (onChange, stop) => stayMember({ settings, parts, membership, onChange }, stop),
    assignmentOf: membership.assignmentOf,
    isConfirmed: (stream, since) => membership.has(stream) && membership.heardAt() > since,
  }
}

interface MemberContext {
  readonly settings: GroupConfig
  readonly parts: GroupPlacementParts
  readonly membership: Membership
  readonly onChange: (assigned: ReadonlySet<string>) => void
}

/** Joins the group, and rejoins whenever the membership is lost, until `stop` aborts. */
async function stayMember(context: MemberContext, stop: AbortSignal): Promise<void> {
  const { settings, parts, membership } = context
  const policy = { ...settings.rejoin, retries: Number.POSITIVE_INFINITY, maxRetryAfterMs: 0 }
  const failures = membershipFailures(parts)
  const onJoined = (joined: Joined) => {
    failures.recovered()
    applyAssignment(context, joined)
  }
  const member = memberParts(context, onJoined)
  while (!stop.aborted) {
    try {
      await beMember(member, stop)
    } catch (error) {
      if (stop.aborted) break
      membership.lost()
      const attempts = failures.failed(error)
      const floorMs = error instanceof ConnectorError ? (error.retryAfterMs ?? 0) : 0
      const pause = Math.max(floorMs, pauseMs(policy, attempts, parts.clock.random()))
      await parts.clock.sleep(pause, stop).catch(() => {})
    }
  }
  membership.left()
  parts.observe({ kind: 'group-left' })
}

function applyAssignment(
  { parts, membership, onChange }: MemberContext,
  { slots, slotCount, tookMs, heardAt }: Joined,
): void {
  const before = membership.slots()
  const streams = streamsIn(slots, parts.streams, slotCount)
  membership.joined({ slots, streams, heardAt })
  const kept = slots.filter((slot) => before.includes(slot)).length
  parts.observe({ kind: 'group-joined', slots, kept, streams: [...streams], tookMs })
  onChange(streams)
}

function memberParts({ settings, parts, membership }: MemberContext, onJoined: (joined: Joined) => void): MemberParts {
  const { connector, replica, streams, clock, log, observe, kafka } = parts
  const client = { clientId: replica, pace: 'group', log, clock } as const
  const { connect = () => kafkaClient(kafka, client) } = parts
  return {
    group: connector,
    topic: slotsTopic(connector),
    settings,
    connect,
    streams,
    clock,
    held: () => (membership.isExpired() ? [] : membership.slots()),
    on: {
      joined: onJoined,
      heard: membership.heard,
      rebalancing: membership.rebalancing,
    },
    onHeartbeat: () => {
      if (membership.hasJustExpired()) observe({ kind: 'session-expired', silentMs: membership.silentMs() })
    },
  }
}

interface MembershipFailures {
  /** Counts a failed attempt and reports a new failure. Returns the attempts since the last successful join. */
  failed(error: unknown): number
  recovered(): void
}

/**
 * Reports each failure once until recovery; transient failures are deduplicated by code, others by message. While the
 * replica joins for the first time, the first transient failure is not reported: a coordinator may be loading.
 */
export function membershipFailures({
  clock,
  observe,
}: {
  clock: Clock
  observe: (event: PlacementEvent) => void
}): MembershipFailures {
  let hasJoined = false
  let attempts = 0
  let since = 0
  let reported = new Set<string>()
  return {
    failed: (error) => {
      if (attempts === 0) since = clock.monotonic()
      const code = codeOf(error)
      const failure = isTransient(error) || !(error instanceof Error) ? code : error.message
      attempts += 1
      if (!hasJoined && attempts === 1 && isTransient(error)) return attempts
      if (!reported.has(failure)) observe({ kind: 'membership-lost', code, error })
      reported.add(failure)
      return attempts
    },
    recovered: () => {
      hasJoined = true
      if (attempts > 0) observe({ kind: 'membership-restored', attempts, tookMs: clock.monotonic() - since })
      attempts = 0
      reported = new Set()
    },
  }
}
