import type { Consumer, Kafka } from 'kafkajs'
import type { GroupConfig } from '../../placement/placement-config.ts'
import type { Clock } from '../../runtime/clock.ts'
import { retryOptions } from '../kafka-times.ts'
import { slotCount, stickyAssigner } from './sticky-assigner.ts'

export interface SlotConsumerParts {
  readonly group: string
  readonly topic: string
  readonly settings: GroupConfig
  /** All streams. */
  readonly streams: readonly string[]
  readonly clock: Clock
  /** The slots that this member still has. */
  readonly held: () => readonly number[]
  readonly on: SlotListeners
}

/** `heardAt`: when the request that the group answered was sent (`clock.monotonic()`). */
interface SlotListeners {
  readonly joined: (joined: Joined) => void
  readonly heard: (heardAt: number) => void
  /** A rebalance has started; `joined` follows. */
  readonly rebalancing: () => void
}

export interface Joined {
  readonly slots: readonly number[]
  /** The total number of slots. */
  readonly slotCount: number
  readonly tookMs: number
  readonly heardAt: number
}

/** How late a consumer with all partitions paused may notice that a heartbeat is due. */
const maxWaitMs = 250
/** How late a member may notice that partitions were added to the topic. */
const topicMaxAgeMs = 60_000

/** A group member that never reads: all partitions are paused before the first fetch. It does not restart itself. */
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
    maxWaitTimeInMs: maxWaitMs,
    metadataMaxAge: topicMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { ...retryOptions('group'), restartOnFailure: async () => false },
  })
  const sentAt = answeredRequests(consumer, parts.clock)
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    consumer.pause([{ topic }])
    const slots = (payload.memberAssignment[topic] ?? []).toSorted((one, other) => one - other)
    on.joined({ slots, slotCount: slotsNow(), tookMs: payload.duration, heardAt: sentAt('SyncGroup') })
  })
  consumer.on(consumer.events.HEARTBEAT, () => on.heard(sentAt('Heartbeat')))
  consumer.on(consumer.events.REBALANCING, () => on.rebalancing())
  consumer.on(consumer.events.CRASH, ({ payload }) => onCrash(payload.error))
  return consumer
}

/** When an answered request was sent: a response delayed by a stall must not extend the session. */
function answeredRequests(consumer: Consumer, clock: Clock): (api: string) => number {
  const sentAt = new Map<string, number>()
  consumer.on(consumer.events.REQUEST, ({ payload }) => {
    sentAt.set(payload.apiName, clock.monotonic() - Math.max(0, payload.duration))
  })
  return (api) => sentAt.get(api) ?? Number.NEGATIVE_INFINITY
}

/** Joins the group; resolves when the consumer has joined or crashed. Rejects with errors of kafkajs. */
export async function runSlotConsumer(consumer: Consumer, topic: string): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachMessage: async () => undefined })
}
