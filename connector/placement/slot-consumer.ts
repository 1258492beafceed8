import type { Consumer, GroupDescription, Kafka } from 'kafkajs'
import { retryOptions } from '../publish/kafka-client.ts'
import type { KafkaRetry } from '../publish/kafka-config.ts'
import type { Clock } from '../runtime/clock.ts'
import type { SlotClaim } from './assign-slots.ts'
import { type GroupMemberView, membersOf } from './group-view.ts'
import type { GroupConfig } from './placement-config.ts'
import { slotCount, stickyAssigner } from './sticky-assigner.ts'

export interface SlotConsumerParts {
  readonly group: string
  readonly topic: string
  readonly settings: GroupConfig
  readonly retry: KafkaRetry
  /** All streams of the connector. */
  readonly streams: readonly string[]
  readonly clock: Clock
  readonly held: () => Pick<SlotClaim, 'held' | 'silentMs'>
  readonly on: SlotListeners
}

/** `heardAt`: when the request that the group has answered was sent, of `clock.monotonic()`. */
export interface SlotListeners {
  readonly joined: (joined: Joined) => void
  readonly heard: (heardAt: number) => void
  /** Who has what, this member included; after `joined`, unless the group is being shared out anew already. */
  readonly seen: (members: readonly GroupMemberView[]) => void
  /** The group is being shared out anew; the next word is `joined`. */
  readonly rebalancing: () => void
}

export interface Joined {
  readonly slots: readonly number[]
  /** How many slots there are in all. */
  readonly slotCount: number
  readonly tookMs: number
  readonly heardAt: number
}

/** A turn of the loop of a consumer that has paused everything: how late it notices that a heartbeat is due. */
const turnMs = 250
/** After so long a member sees that the topic has grown. */
const topicMaxAgeMs = 60_000

/** A consumer that takes part in the group and never reads: everything is paused before the first fetch. After a crash it is dead. */
export function slotConsumer(kafka: Kafka, parts: SlotConsumerParts, onCrash: (error: Error) => void): Consumer {
  const { group, topic, settings, on } = parts
  const assigner = stickyAssigner(parts)
  let slotsNow = () => 0
  const consumer = kafka.consumer({
    groupId: group,
    partitionAssigners: [
      (config) => {
        slotsNow = () => slotCount(config.cluster, topic)
        return assigner(config)
      },
    ],
    sessionTimeout: settings.sessionTimeoutMs,
    rebalanceTimeout: settings.rebalanceTimeoutMs,
    heartbeatInterval: settings.heartbeatMs,
    maxWaitTimeInMs: turnMs,
    metadataMaxAge: topicMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { ...retryOptions(parts.retry), restartOnFailure: async () => false },
  })
  const sentAt = answeredRequests(consumer, parts.clock)
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    consumer.pause([{ topic }])
    const slots = (payload.memberAssignment[topic] ?? []).toSorted((one, other) => one - other)
    on.joined({ slots, slotCount: slotsNow(), tookMs: payload.duration, heardAt: sentAt('SyncGroup') })
    lookAround(consumer, { ...parts, slotCount: slotsNow() })
  })
  consumer.on(consumer.events.HEARTBEAT, () => on.heard(sentAt('Heartbeat')))
  consumer.on(consumer.events.REBALANCING, () => on.rebalancing())
  consumer.on(consumer.events.CRASH, ({ payload }) => onCrash(payload.error))
  return consumer
}

/** Asks the group for all its members. Without an answer it stays untold: nothing but the status depends on it. */
function lookAround(consumer: Consumer, parts: SlotConsumerParts & { readonly slotCount: number }): void {
  const tell = (group: GroupDescription | undefined) => {
    if (group?.state === 'Stable') parts.on.seen(membersOf(group, parts))
  }
  consumer.describeGroup().then(tell, () => undefined)
}

/** When the answered request was sent: a process that stalls while the answer is under way must not think that it was just heard of. */
function answeredRequests(consumer: Consumer, clock: Clock): (api: string) => number {
  const sentAt = new Map<string, number>()
  consumer.on(consumer.events.REQUEST, ({ payload }) => {
    sentAt.set(payload.apiName, clock.monotonic() - Math.max(0, payload.duration))
  })
  return (api) => sentAt.get(api) ?? Number.NEGATIVE_INFINITY
}

/** Joins the group; resolves when it has, or has crashed. Rejects with kafkajs' errors. */
export async function runSlotConsumer(consumer: Consumer, topic: string): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachMessage: async () => undefined })
}
