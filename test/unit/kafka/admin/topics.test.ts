import { describe, expect, test } from 'vitest'
import { openTopics } from '../../../../connector/kafka/admin/topics.ts'
import type { Broker } from '../../../../connector/kafka/cluster.ts'
import type { TopicConfig } from '../../../../connector/kafka/kafka-config.ts'
import type { OpenOptions } from '../../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../../connector/runtime/clock.ts'
import { never } from '../../../support/signals.ts'
import { creationOf } from '../../../support/stream-publisher.ts'
import { answering, metadataAnswer } from '../kafkajs/metadata-answer.ts'

// A scripted cluster answers the requests about topics.

interface Simulated {
  readonly unknownFor: number
  readonly exists: boolean
}

/**
 * A cluster that reports each topic as unknown for the first `unknownFor` requests, and afterwards unless it `exists`
 * or was created.
 */
function cluster({ unknownFor, exists }: Simulated) {
  const created: unknown[] = []
  const asked = new Map<string, number>()
  const paused: number[] = []
  const body = (request: string) => {
    const topic = /events|dlq/.exec(request)?.[0]
    if (topic === undefined) return metadataAnswer()
    const before = asked.get(topic) ?? 0
    asked.set(topic, before + 1)
    const isUnknown = before < unknownFor || (!exists && created.length === 0)
    return metadataAnswer(topic, isUnknown ? 3 : 0)
  }
  const broker = {
    ...answering({ 3: { maxVersion: 10 } }, body),
    createTopics: async ({ topics }: { topics: readonly unknown[] }) => void created.push(...topics),
  }
  const clock = {
    ...systemClock,
    sleep: async (ms: number) => {
      paused.push(ms)
    },
  }
  const read = (request: Request) =>
    openTopics({ findControllerBroker: async () => broker as unknown as Broker }, request, { clock, stop: never })
  return { read, created, paused }
}

type Request = OpenOptions & { readonly config: TopicConfig }

const asked = (create?: TopicConfig['create'], hasPublished = false): Request => ({
  config: { events: 'events', deadLetters: 'dlq', create },
  hasPublished,
  clusterId: null,
})

describe('openTopics', () => {
  test('waits for a topic that a newly started broker does not know yet', async () => {
    const { read } = cluster({ unknownFor: 4, exists: true })
    expect((await read(asked())).events.partitions).toBe(2)
  })

  test('reports a missing topic after six seconds', async () => {
    const { read, created, paused } = cluster({ unknownFor: 0, exists: false })
    await expect(read(asked())).rejects.toMatchObject({ code: 'publish.topic-missing' })
    expect(created).toEqual([])
    expect(paused.reduce((sum, ms) => sum + ms)).toBe(6300)
  })

  test('does not create a topic again when events were published to it', async () => {
    const { read, created } = cluster({ unknownFor: 0, exists: false })
    const opened = read(asked(creationOf(6), true))
    const message = 'open events: the topic no longer exists; the events published to it are lost'
    await expect(opened).rejects.toMatchObject({ code: 'checkpoint.topic-lost', message })
    expect(created).toEqual([])
  })

  test('creates nothing in another cluster than that of the checkpoint', async () => {
    const { read, created } = cluster({ unknownFor: 0, exists: false })
    const request = { ...asked(creationOf(6)), clusterId: 'other' }
    await expect(read(request)).rejects.toMatchObject({
      code: 'checkpoint.topic-lost',
      message: 'open stream: the document belongs to Kafka cluster other, not to cluster',
    })
    expect(created).toEqual([])
  })
})
