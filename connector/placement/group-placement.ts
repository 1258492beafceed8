import { type KafkaClient, type KafkaConnection, kafkaClient } from '../publish/kafka-client.ts'
import type { KafkaLog } from '../publish/kafka-log.ts'
import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { pauseMs } from '../runtime/retry.ts'
import { beMember, type MemberParts } from './group-member.ts'
import type { Placement } from './placement.ts'
import { type GroupConfig, slotsTopic } from './placement-config.ts'
import type { PlacementEvent } from './placement-event.ts'
import type { Joined } from './slot-consumer.ts'
import { streamsIn } from './slots.ts'

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

/** What the group last said; it outlives the connections. */
interface Membership {
  slots: readonly number[]
  streams: ReadonlySet<string>
  /** When the request that the group answered last was sent, of `clock.monotonic()`: a session counts from there. */
  heardAt: number
}

/** The streams shared out by a consumer group on a topic of slots, of which nothing is read. Nothing is connected before `run`. */
export function groupPlacement(settings: GroupConfig, parts: GroupPlacementParts): Placement {
  const { clock } = parts
  const membership: Membership = { slots: [], streams: new Set(), heardAt: Number.NEGATIVE_INFINITY }
  const silentMs = () => clock.monotonic() - membership.heardAt
  return {
    run: (onChange, stop) => stayMember({ settings, parts, membership, onChange }, stop),
    isAssigned: (stream) => membership.streams.has(stream) && silentMs() <= settings.sessionTimeoutMs,
    isConfirmed: (stream, since) => membership.streams.has(stream) && membership.heardAt > since,
  }
}

interface Staying {
  readonly settings: GroupConfig
  readonly parts: GroupPlacementParts
  readonly membership: Membership
  readonly onChange: (assigned: ReadonlySet<string>) => void
}

/** Joins, and joins again whatever ends the membership, until `stop`. Of one trouble only the first error is told. */
async function stayMember(staying: Staying, stop: AbortSignal): Promise<void> {
  const { settings, membership } = staying
  const { clock, observe } = staying.parts
  let failed = { tries: 0, since: 0, told: '' }
  const onJoined = (joined: Joined) => {
    if (failed.tries > 0) {
      observe({ kind: 'group-rebuilt', tries: failed.tries, tookMs: clock.monotonic() - failed.since })
    }
    failed = { tries: 0, since: 0, told: '' }
    takeAssignment(staying, joined)
  }
  const member = memberParts(staying, onJoined)
  while (!stop.aborted) {
    try {
      await beMember(member, stop)
    } catch (error) {
      if (stop.aborted) break
      const code = codeOf(error)
      const told = `${code} ${error instanceof Error ? error.message : ''}`
      if (told !== failed.told) observe({ kind: 'group-broken', code, error })
      failed = { tries: failed.tries + 1, since: failed.tries === 0 ? clock.monotonic() : failed.since, told }
      const policy = { ...settings.rebuild, retries: Number.POSITIVE_INFINITY, maxRetryAfterMs: 0 }
      await clock.sleep(pauseMs(policy, failed.tries, clock.random()), stop).catch(() => {})
    }
  }
  Object.assign(membership, { slots: [], streams: new Set(), heardAt: Number.NEGATIVE_INFINITY })
  observe({ kind: 'group-left' })
}

function takeAssignment({ parts, membership, onChange }: Staying, { slots, slotCount, tookMs, heardAt }: Joined): void {
  const kept = slots.filter((slot) => membership.slots.includes(slot)).length
  Object.assign(membership, { slots, heardAt, streams: streamsIn(slots, parts.streams, slotCount) })
  parts.observe({ kind: 'group-joined', slots, kept, streams: [...membership.streams], tookMs })
  onChange(membership.streams)
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
    held: () => ({ held: membership.slots, silentMs: clock.monotonic() - membership.heardAt }),
    on: {
      joined: onJoined,
      heard: (heardAt) => {
        membership.heardAt = heardAt
      },
      crashed: () => undefined,
    },
    onExpired: (silentMs) => observe({ kind: 'session-expired', silentMs }),
  }
}
