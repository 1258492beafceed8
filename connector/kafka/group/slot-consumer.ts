import type { Consumer, Kafka } from 'kafkajs'
import { groupDefaults } from '../../placement/placement-config.ts'
import type { Clock } from '../../runtime/clock.ts'
import { retryOptions } from '../kafka-times.ts'
import { slotCount, stickyAssigner } from './sticky-assigner.ts'

export interface SlotConsumerParts {
  readonly group: string
  readonly topic: string
  /** All streams. */
  readonly streams: readonly string[]
  readonly clock: Clock
  /** The slots that this member still has. */
  readonly held: () => readonly number[]
  readonly on: (event: SlotEvent) => void
}

/** `heardAt`: when the request that the group answered was sent (`clock.monotonic()`). */
export type SlotEvent =
  | {
      readonly kind: 'joined'
      readonly slots: readonly number[]
      /** The total number of slots. */
      readonly slotCount: number
      readonly tookMs: number
      readonly heardAt: number
    }
  | { readonly kind: 'heard'; readonly heardAt: number }
  /** A rebalance has started; `joined` follows. */
  | { readonly kind: 'rebalancing' }

/** How late a consumer with all partitions paused may notice that a heartbeat is due. */
const maxWaitMs = 250
/** How late a member may notice that partitions were added to the topic. */
const topicMaxAgeMs = 60_000

/** A group member that never reads: all partitions are paused before the first fetch. It does not restart itself. */
export function slotConsumer(kafka: Kafka, parts: SlotConsumerParts, onCrash: (error: Error) => void): Consumer {
  const { group, topic, clock, on } = parts
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
    sessionTimeout: groupDefaults.sessionTimeoutMs,
    rebalanceTimeout: groupDefaults.rebalanceTimeoutMs,
    heartbeatInterval: groupDefaults.heartbeatMs,
    maxWaitTimeInMs: maxWaitMs,
    metadataMaxAge: topicMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { ...retryOptions('group'), restartOnFailure: async () => false },
  })
  const { GROUP_JOIN, HEARTBEAT, REBALANCING, REQUEST, CRASH } = consumer.events
  // A response that a stall delayed must not extend the session.
  const sentAt = new Map<string, number>()
  const heardAt = (api: string) => sentAt.get(api) ?? Number.NEGATIVE_INFINITY
  consumer.on(REQUEST, ({ payload: { apiName, duration } }) => {
    sentAt.set(apiName, clock.monotonic() - Math.max(0, duration))
  })
  consumer.on(GROUP_JOIN, ({ payload: { memberAssignment, duration } }) => {
    consumer.pause([{ topic }])
    const slots = (memberAssignment[topic] ?? []).toSorted((one, other) => one - other)
    on({ kind: 'joined', slots, slotCount: slotsNow(), tookMs: duration, heardAt: heardAt('SyncGroup') })
  })
  consumer.on(HEARTBEAT, () => on({ kind: 'heard', heardAt: heardAt('Heartbeat') }))
  consumer.on(REBALANCING, () => on({ kind: 'rebalancing' }))
  consumer.on(CRASH, ({ payload: { error } }) => onCrash(error))
  return consumer
}

/** Joins the group; resolves when the consumer has joined or crashed. Rejects with errors of kafkajs. */
export async function runSlotConsumer(consumer: Consumer, topic: string): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachMessage: async () => undefined })
}
