import { createRequire } from 'node:module'
import type { Admin } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { readTopics } from '../../../../connector/kafka/admin/topics.ts'
import { kafkaDefaults, type TopicConfig, type TopicCreation } from '../../../../connector/kafka/kafka-config.ts'
import type { OpenOptions } from '../../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../../connector/runtime/clock.ts'
import { never } from '../../../support/signals.ts'

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error')

/**
 * A cluster that reports each topic as unknown for the first `unknownFor` requests, and afterwards unless it `exists`
 * or was created.
 */
function cluster({ unknownFor, exists }: { unknownFor: number; exists: boolean }) {
  const created: unknown[] = []
  const asked = new Map<string, number>()
  const paused: number[] = []
  const admin: Pick<Admin, 'describeCluster' | 'fetchTopicMetadata' | 'createTopics'> = {
    describeCluster: async () => ({ brokers: [], controller: 1, clusterId: 'cluster' }),
    fetchTopicMetadata: async (request) => {
      const name = request?.topics[0] ?? ''
      const before = asked.get(name) ?? 0
      asked.set(name, before + 1)
      if (before < unknownFor || (!exists && created.length === 0)) throw createErrorFromCode(3)
      const partition = { partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1] }
      return { topics: [{ name, partitions: [0, 1].map((partitionId) => ({ ...partition, partitionId })) }] }
    },
    createTopics: async ({ topics }) => {
      created.push(...topics)
      return !exists
    },
  }
  const clock = {
    ...systemClock,
    sleep: async (ms: number) => {
      paused.push(ms)
    },
  }
  const read = (request: Request) => readTopics(admin as Admin, request, { clock, stop: never })
  return { read, created, paused }
}

type Request = OpenOptions & { readonly config: TopicConfig }

const asked = (create?: TopicCreation, publishedEvents = 0): Request => ({
  config: { events: 'events', deadLetters: 'dlq', create },
  publishedEvents,
  clusterId: null,
  missingTopics: 'as-configured',
})

describe('readTopics', () => {
  it('returns cluster id and partitions and creates nothing when the topics exist', async () => {
    const { read, created } = cluster({ unknownFor: 0, exists: true })
    expect(await read(asked(kafkaDefaults.create))).toEqual({
      clusterId: 'cluster',
      events: { topic: 'events', partitions: 2 },
      deadLetters: { topic: 'dlq', partitions: 2 },
    })
    expect(created).toEqual([])
  })

  it('waits for a topic that a newly started broker does not know yet', async () => {
    const { read } = cluster({ unknownFor: 4, exists: true })
    expect((await read(asked())).events.partitions).toBe(2)
  })

  it('reports a missing topic after six seconds', async () => {
    const { read, created, paused } = cluster({ unknownFor: 0, exists: false })
    await expect(read(asked())).rejects.toMatchObject({ code: 'publish.topic-missing' })
    expect(created).toEqual([])
    expect(paused.reduce((sum, ms) => sum + ms)).toBe(6300)
  })

  it('does not create a topic again when events were published to it', async () => {
    const { read, created } = cluster({ unknownFor: 0, exists: false })
    const opened = read(asked(kafkaDefaults.create, 5))
    const message = 'open events: the topic no longer exists; the 5 events published to it are lost'
    await expect(opened).rejects.toMatchObject({ code: 'checkpoint.topic-lost', message })
    expect(created).toEqual([])
  })

  it('creates nothing for a command', async () => {
    const { read, created } = cluster({ unknownFor: 0, exists: false })
    const request: Request = { ...asked(kafkaDefaults.create), missingTopics: 'rejected' }
    await expect(read(request)).rejects.toMatchObject({
      code: 'publish.topic-missing',
      message: 'open events: the topic does not exist',
    })
    expect(created).toEqual([])
  })

  it('creates nothing in another cluster than that of the checkpoint', async () => {
    const { read, created } = cluster({ unknownFor: 0, exists: false })
    const request = { ...asked(kafkaDefaults.create), clusterId: 'other' }
    await expect(read(request)).rejects.toMatchObject({
      code: 'checkpoint.topic-lost',
      message: 'open stream: the document belongs to Kafka cluster other, not to cluster',
    })
    expect(created).toEqual([])
  })

  it('creates missing topics once, with their settings, and waits until the brokers know them', async () => {
    const { read, created } = cluster({ unknownFor: 3, exists: false })
    await read(asked(kafkaDefaults.create))
    const settings = (config: Record<string, string>) =>
      Object.entries(config).map(([name, value]) => ({ name, value }))
    const common = { numPartitions: 6, replicationFactor: -1 }
    expect(created).toEqual([
      { topic: 'events', ...common, configEntries: settings(kafkaDefaults.create.eventsConfig) },
      { topic: 'dlq', ...common, configEntries: settings(kafkaDefaults.create.deadLettersConfig) },
    ])
  })
})
