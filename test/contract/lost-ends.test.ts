import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { OutgoingRecord, PublisherSession } from '../../connector/publish/event-publisher.ts'
import { clusterOf } from '../../connector/publish/kafka-cluster.ts'
import { kafkaDefaults } from '../../connector/publish/kafka-config.ts'
import { kafkaEventPublisher } from '../../connector/publish/kafka-event-publisher.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { type KafkaCluster, startKafka } from '../support/servers/kafka-broker.ts'
import { openTopic, readTopic } from '../support/topic-reader.ts'

/**
 * Kafka itself, here 4.4: when a transaction ends while a partition that it wrote to has no leader, the coordinator takes that partition for
 * deleted and tells that all is done. The records stay without an end, and the next end of the same producer id becomes theirs.
 */

const closing = closeStack()
const never = new AbortController().signal
let kafka: KafkaCluster
let topic: string
/** The broker that alone has the only partition of the events, and coordinates nothing of this stream. */
let alone: number
let open: () => Promise<PublisherSession>

beforeAll(async () => {
  kafka = closing.use(await startKafka({ brokers: 3 }), (cluster) => cluster.close())
})
afterAll(() => closing.close())

beforeEach(async () => {
  topic = randomUUID()
  const brokers = kafka.bootstrap.split(',')
  const coordinators = await coordinatorsOf(`test.${topic}`)
  alone = [1, 2, 3].find((id) => !coordinators.includes(id)) ?? 0
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const replicaAssignment = [{ partition: 0, replicas: [alone] }]
  const configEntries = [{ name: 'min.insync.replicas', value: '1' }]
  await admin.createTopics({ topics: [{ topic, replicaAssignment, configEntries }] })
  await admin.disconnect()
  const events = { events: topic, deadLetters: `${topic}.dlq`, create: { ...kafkaDefaults.create, partitions: 1 } }
  const config = { ...kafkaDefaults, brokers, topic: events }
  const parts = { connector: 'test', stream: topic, clock: systemClock, log: () => undefined }
  const publisher = closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
  open = async () => {
    const session = await publisher.open(never)
    await session.readNote(never)
    return session
  }
})

/** The node ids of the coordinators of a group and of a transactional id, once they are found. */
async function coordinatorsOf(groupId: string): Promise<number[]> {
  const cluster = clusterOf(new Kafka({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING }))
  await cluster.connect()
  const nodeOf = async (coordinatorType: 0 | 1): Promise<number> => {
    for (;;) {
      try {
        return Number((await cluster.findGroupCoordinator({ groupId, coordinatorType })).nodeId)
      } catch {
        // The internal topic is still being created.
      }
    }
  }
  const found = [await nodeOf(0), await nodeOf(1)]
  await cluster.disconnect()
  return found
}

const event = (value: string): OutgoingRecord => ({ to: 'events', key: 'client', value })
const fateOf = (value: string) => (value === 'decided' ? 'decided' : 'undecided')

async function publish(session: PublisherSession, value: string, seq: number): Promise<void> {
  await using transaction = session.begin(never)
  await transaction.send([event(value)])
  await transaction.commit({ epoch: 1, seq, nonce: `${seq}` })
}

/** Nobody leads the partition meanwhile. */
async function whileLeaderless(work: () => Promise<void>): Promise<void> {
  await kafka.kill(alone)
  await untilLeaderless()
  await work()
  await kafka.start(alone)
}

async function untilLeaderless(): Promise<void> {
  const admin = new Kafka({
    brokers: kafka.bootstrap.split(',').filter((_, at) => at !== alone - 1),
    logLevel: logLevel.NOTHING,
  }).admin()
  await admin.connect()
  const leader = async () => {
    try {
      return (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions[0]?.leader
    } catch {
      return -1 // LEADER_NOT_AVAILABLE
    }
  }
  while ((await leader()) !== -1);
  await admin.disconnect()
}

const valuesOf = async () => (await readTopic(kafka.bootstrap, topic)).map(({ text }) => text)

/** A transaction that is decided, and has no end in the partition. */
async function commitWithoutEnd(value: string): Promise<void> {
  const session = await open()
  const transaction = session.begin(never)
  await transaction.send([event(value)])
  await whileLeaderless(() => transaction.commit({ epoch: 1, seq: 1, nonce: '1' }))
  await session.close()
}

/** A transaction that is aborted, and has no end in the partition. */
async function abortWithoutEnd(session: PublisherSession, value: string): Promise<void> {
  const transaction = session.begin(never)
  await transaction.send([event(value)])
  await whileLeaderless(async () => await transaction[Symbol.asyncDispose]())
}

it('what an aborted transaction left is withdrawn, once, and comes when it is published', async () => {
  const first = await open()
  await publish(first, 'decided', 1)
  await abortWithoutEnd(first, 'again')
  const reader = await openTopic({ kafka: { brokers: kafka.bootstrap.split(',') }, topic, from: 'beginning' })
  await reader.poll()
  expect(reader.isPastStart()).toBe(false) // Kafka did lose the end
  await reader.close()

  const second = await open()
  await expect(second.settle(fateOf, never)).rejects.toMatchObject({ code: 'publish.failed' })
  expect(await valuesOf()).toEqual(['decided'])
  const third = await open()
  await third.settle(fateOf, never)
  await publish(third, 'again', 2)
  expect(await valuesOf()).toEqual(['decided', 'again'])
  await third.close()
})

it('what is decided is shown, once, and stays when the next transaction is aborted', async () => {
  await commitWithoutEnd('decided')
  const second = await open()
  expect(await second.readNote(never)).toMatchObject({ seq: 1 })
  await expect(second.settle(fateOf, never)).rejects.toMatchObject({ code: 'publish.failed' })
  const third = await open()
  await third.settle(fateOf, never)
  expect(await valuesOf()).toEqual(['decided'])
  {
    await using transaction = third.begin(never)
    await transaction.send([event('again')])
  }
  const fourth = await open()
  await fourth.settle(fateOf, never)
  await publish(fourth, 'again', 2)
  expect(await valuesOf()).toEqual(['decided', 'again'])
  await fourth.close()
})

it('where both hang in one partition it says so, and where', async () => {
  await commitWithoutEnd('decided')
  await abortWithoutEnd(await open(), 'again')
  const last = await open()
  const error = await last.settle(fateOf, never).catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    code: 'publish.ends-lost',
    message: expect.stringContaining('partition 0 from offset 0'),
  })
  await last.close()
})
