import { setTimeout as delay } from 'node:timers/promises'
import { hasKafkaCode, KafkaCode } from '../../connector/kafka/kafka-errors.ts'
import { openTopic, type TopicReader } from '../../test/support/topic-reader.ts'
import type { SeenEvents } from './rebalances.ts'

/** The events that a reader of committed records saw in each topic, and when. */
export interface TopicWatch {
  readonly seen: ReadonlyMap<string, readonly SeenEvents[]>
  /** Stops reading; rejects when an event was missing, duplicated or out of order. */
  close(): Promise<void>
}

/** Reads topics with one partition from the beginning, by stream. Waits for topics that do not exist yet. */
export function watchTopics(brokers: string, topics: ReadonlyMap<string, string>): TopicWatch {
  const seen = new Map<string, SeenEvents[]>()
  const closing = new AbortController()
  const watching = Promise.all(
    [...topics].map(([stream, topic]) => {
      const batches: SeenEvents[] = []
      seen.set(stream, batches)
      return follow({ brokers, topic, stream, batches }, closing.signal)
    }),
  )
  watching.catch(() => closing.abort())
  return {
    seen,
    close: async () => {
      closing.abort()
      await watching
    },
  }
}

interface Following {
  readonly brokers: string
  readonly topic: string
  readonly stream: string
  readonly batches: SeenEvents[]
}

async function follow({ brokers, topic, stream, batches }: Following, stop: AbortSignal): Promise<void> {
  const reader = await openOnceCreated(brokers, topic, stop)
  try {
    while (!stop.aborted) {
      const numbers =
        (await reader?.poll())?.map(({ value }) => Number((value as { sequence?: string }).sequence)) ?? []
      const from = (batches.at(-1)?.to ?? -1) + 1
      const wrong = numbers.find((number, at) => number !== from + at)
      if (wrong !== undefined)
        throw new Error(`${stream}: event ${wrong} out of sequence; expected consecutive numbers from ${from}`)
      if (numbers.length > 0) batches.push({ from, to: from + numbers.length - 1, at: Date.now() })
    }
  } finally {
    await reader?.close()
  }
}

const notReadyCodes = [
  KafkaCode.UNKNOWN_TOPIC_OR_PARTITION,
  KafkaCode.LEADER_NOT_AVAILABLE,
  KafkaCode.NOT_LEADER_OR_FOLLOWER,
]

export async function openOnceCreated(
  brokers: string,
  topic: string,
  stop: AbortSignal,
): Promise<TopicReader | undefined> {
  while (!stop.aborted) {
    try {
      return await openTopic({ kafka: { brokers: [brokers] }, topic, from: 'beginning' })
    } catch (error) {
      if (!hasKafkaCode(error, ...notReadyCodes)) throw error
      await delay(100)
    }
  }
  return undefined
}
