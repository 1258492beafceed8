import { type KafkaClient, type KafkaConnection, kafkaClient } from '../publish/kafka-client.ts'
import type { KafkaLog } from '../publish/kafka-log.ts'
import type { Clock } from '../runtime/clock.ts'
import { pauseMs } from '../runtime/retry.ts'
import { beMember, type MemberParts } from './group-member.ts'
import { createMembership, type Membership } from './membership.ts'
import type { Placement } from './placement.ts'
import { type GroupConfig, slotsTopic } from './placement-config.ts'
import type { PlacementEvent } from './placement-event.ts'
import type { Joined } from './slot-consumer.ts'
import { streamsIn } from './slots.ts'
import { troubleLog } from './trouble-log.ts'

export interface GroupPlacementParts {
  /** The group is named like it. */
  readonly connector: string
  /** How this replica is called in the group. */
  readonly replica: string
  /** All streams of the connector, the same on every replica. */
  readonly streams: readonly string[]
  readonly kafka: KafkaConnection
  readonly clock: Clock
  readonly log: KafkaLog
  readonly observe: (event: PlacementEvent) => void
  /** How a connection is made, when not by `kafkaClient`. */
  readonly connect?: ((connection: KafkaConnection) => KafkaClient) | undefined
}

/** The streams shared out by a consumer group on a topic of slots, of which nothing is read. Nothing is connected before `run`. */
export function groupPlacement(settings: GroupConfig, parts: GroupPlacementParts): Placement {
  const membership = createMembership(settings, parts.clock)
  return {
    run: (onChange, stop) => stayMember({ settings, parts, membership, onChange }, stop),
    isAssigned: (stream) => membership.has(stream) && !membership.isExpired(),
    isConfirmed: (stream, since) => membership.has(stream) && membership.heardAt() > since,
  }
}

interface Staying {
  readonly settings: GroupConfig
  readonly parts: GroupPlacementParts
  readonly membership: Membership
  readonly onChange: (assigned: ReadonlySet<string>) => void
}

/** Joins, and joins again whatever ends the membership, until `stop`. */
async function stayMember(staying: Staying, stop: AbortSignal): Promise<void> {
  const { settings, parts, membership } = staying
  const policy = { ...settings.rebuild, retries: Number.POSITIVE_INFINITY, maxRetryAfterMs: 0 }
  const trouble = troubleLog(parts)
  const onJoined = (joined: Joined) => {
    trouble.ended()
    takeAssignment(staying, joined)
  }
  const member = memberParts(staying, onJoined)
  while (!stop.aborted) {
    try {
      await beMember(member, stop)
    } catch (error) {
      if (stop.aborted) break
      membership.broke()
      const tries = trouble.happened(error)
      await parts.clock.sleep(pauseMs(policy, tries, parts.clock.random()), stop).catch(() => {})
    }
  }
  membership.left()
  parts.observe({ kind: 'group-left' })
}

function takeAssignment({ parts, membership, onChange }: Staying, { slots, slotCount, tookMs, heardAt }: Joined): void {
  const had = membership.slots()
  const streams = streamsIn(slots, parts.streams, slotCount)
  membership.joined({ slots, streams, heardAt })
  const kept = slots.filter((slot) => had.includes(slot)).length
  parts.observe({ kind: 'group-joined', slots, kept, streams: [...streams], tookMs })
  onChange(streams)
}

/** One owner of retrying: kafkajs tries for a few seconds, then the membership is built anew. */
const kafkaJsRetry = { firstPauseMs: 100, maxPauseMs: 1_000, retries: 5 }

function memberParts({ settings, parts, membership }: Staying, onJoined: (joined: Joined) => void): MemberParts {
  const { connector, replica, streams, clock, log, observe } = parts
  const { kafka, connect = (connection) => kafkaClient(connection, { clientId: replica, log }) } = parts
  // An answer that takes longer than a session is of no use any more.
  const timeouts = { ...kafka.timeouts, requestMs: Math.min(kafka.timeouts.requestMs, settings.sessionTimeoutMs) }
  return {
    group: connector,
    topic: slotsTopic(connector, settings),
    settings,
    retry: kafkaJsRetry,
    config: { timeouts },
    connect: () => connect({ ...kafka, timeouts, retry: kafkaJsRetry }),
    streams,
    clock,
    held: () => ({ held: membership.slots(), silentMs: membership.silentMs() }),
    on: {
      joined: onJoined,
      heard: membership.heard,
      seen: (members) => observe({ kind: 'group-seen', members }),
      rebalancing: membership.rebalancing,
    },
    onTurn: () => {
      if (membership.hasJustExpired()) observe({ kind: 'session-expired', silentMs: membership.silentMs() })
    },
  }
}
