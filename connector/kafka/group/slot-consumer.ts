import type { Consumer, Kafka } from 'kafkajs'
import { groupDefaults } from '../../placement/placement-config.ts'
import { retryOptions } from '../kafka-times.ts'
import { slotCount, stickyAssigner } from './sticky-assigner.ts'

export interface SlotConsumerParts {
  readonly group: string
  readonly topic: string
  /** All streams. */
  readonly streams: readonly string[]
  /** The slots of the last assignment. */
  readonly held: () => readonly number[]
  readonly onJoined: (joined: Joined) => void
}

export interface Joined {
  readonly slots: readonly number[]
  /** The total number of slots. */
  readonly slotCount: number
  readonly tookMs: number
}

/** How late a consumer with all partitions paused may notice that a heartbeat is due. */
const maxWaitMs = 250
/** How late a member may notice that partitions were added to the topic. */
const topicMaxAgeMs = 60_000

/** A group member that never reads: all partitions are paused before the first fetch. It does not restart itself. */
export function slotConsumer(kafka: Kafka, parts: SlotConsumerParts, onCrash: (error: Error) => void): Consumer {
  const { group, topic, onJoined } = parts
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
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment, duration } }) => {
    consumer.pause([{ topic }])
    const slots = (memberAssignment[topic] ?? []).toSorted((one, other) => one - other)
    onJoined({ slots, slotCount: slotsNow(), tookMs: duration })
  })
  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => onCrash(error))
  return consumer
}

/** Joins the group; resolves when the consumer has joined or crashed. Rejects with errors of kafkajs. */
export async function runSlotConsumer(consumer: Consumer, topic: string): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachMessage: async () => undefined })
}
