import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { noteOffsets } from '../../connector/publish/commit-note.ts'
import type { OutgoingRecord, PublisherSession } from '../../connector/publish/event-publisher.ts'
import { kafkaDefaults } from '../../connector/publish/kafka-config.ts'
import { kafkaEventPublisher } from '../../connector/publish/kafka-event-publisher.ts'
import { clusterOf } from '../../connector/publish/kafkajs/kafka-cluster.ts'
import { streamNames } from '../../connector/publish/stream-names.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { type KafkaCluster, startKafka } from '../support/servers/kafka-broker.ts'
import { clusterView } from '../support/servers/kafka-wire.ts'
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
/** The broker that alone has the partition of the notes, and does not coordinate the transactions. */
let keeper: number
let open: () => Promise<PublisherSession>

beforeAll(async () => {
  const properties = {
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '3', // not those of the transactions: a name would have one number in both, and perhaps one broker
    'min.insync.replicas': '1',
  }
  kafka = closing.use(await startKafka({ brokers: 3, properties }), (cluster) => cluster.close())
})
afterAll(() => closing.close())

beforeEach(async () => {
  const brokers = kafka.bootstrap.split(',')
  let ofTransactions: number
  do {
    topic = randomUUID()
    ;[keeper, ofTransactions] = await coordinatorsOf(`test.${topic}`)
  } while (keeper === ofTransactions)
  alone = 6 - keeper - ofTransactions // of 1, 2 and 3
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
async function coordinatorsOf(groupId: string): Promise<[number, number]> {
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
  const found: [number, number] = [await nodeOf(0), await nodeOf(1)]
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

/** Nobody leads the only copies that this broker has meanwhile. */
async function whileLeaderless(broker: number, work: () => Promise<void>): Promise<void> {
  await kafka.kill(broker)
  const [port = 0] = kafka.bootstrap
    .split(',')
    .filter((_, at) => at !== broker - 1)
    .map((address) => Number(address.split(':')[1]))
  const leads = async () => {
    const view = await clusterView(port, [topic, '__consumer_offsets'])
    return view === undefined || view.partitions.every(({ leader }) => leader >= 0)
  }
  try {
    while (await leads());
    await work()
  } finally {
    await kafka.start(broker)
  }
}

const valuesOf = async () => (await readTopic(kafka.bootstrap, topic)).map(({ text }) => text)

/** A transaction that is decided, and has no end in the partition; its session, which is over. */
async function commitWithoutEnd(value: string): Promise<PublisherSession> {
  const session = await open()
  await using transaction = session.begin(never)
  await transaction.send([event(value)])
  await whileLeaderless(alone, async () => {
    const committed = transaction.commit({ epoch: 1, seq: 1, nonce: '1' })
    await expect(committed).rejects.toMatchObject({ code: 'publish.outcome-unknown' })
  })
  return session
}

/** A transaction that is aborted, and has no end in the partition. */
async function abortWithoutEnd(session: PublisherSession, value: string): Promise<void> {
  const transaction = session.begin(never)
  await transaction.send([event(value)])
  await whileLeaderless(alone, async () => await transaction[Symbol.asyncDispose]())
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
  await expect(second.settle({ fateOf }, never)).rejects.toMatchObject({ code: 'publish.failed' })
  expect(await valuesOf()).toEqual(['decided'])
  const third = await open()
  await third.settle({ fateOf }, never)
  await publish(third, 'again', 2)
  expect(await valuesOf()).toEqual(['decided', 'again'])
  await third.close()
})

it('what is decided is shown, once, and stays when the next transaction is aborted', async () => {
  await commitWithoutEnd('decided')
  const second = await open()
  expect(await second.readNote(never)).toMatchObject({ note: { seq: 1 }, isHanging: false })
  await expect(second.settle({ fateOf }, never)).rejects.toMatchObject({ code: 'publish.failed' })
  const third = await open()
  await third.settle({ fateOf }, never)
  expect(await valuesOf()).toEqual(['decided'])
  {
    await using transaction = third.begin(never)
    await transaction.send([event('again')])
  }
  const fourth = await open()
  await fourth.settle({ fateOf }, never)
  await publish(fourth, 'again', 2)
  expect(await valuesOf()).toEqual(['decided', 'again'])
  await fourth.close()
})

it('a session goes on after no commit whose end it has not seen: the next abort would take the events along', async () => {
  const session = await commitWithoutEnd('decided')
  expect(() => session.begin(never)).toThrow('the session is over')
})

it('where both hang in one partition it says so, and where', async () => {
  await commitWithoutEnd('decided')
  await abortWithoutEnd(await open(), 'again')
  const last = await open()
  const error = await last.settle({ fateOf }, never).catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    code: 'publish.ends-lost',
    message: expect.stringContaining('partition 0 from offset 0'),
  })
  await last.close()
})

/** A transaction with a note, which ends while nobody keeps notes. */
async function endWithoutKeeper(value: string, end: 'commit' | 'abort'): Promise<void> {
  const { transactionalId, noteGroup: group } = streamNames('test', topic)
  const producer = new Kafka({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING }).producer({
    ...{ transactionalId, idempotent: true, maxInFlightRequests: 1 },
  })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ key: 'client', value }] })
  await transaction.sendOffsets(noteOffsets({ group, topic }, { epoch: 1, seq: 2, nonce: '2' }))
  await whileLeaderless(keeper, () => transaction[end]())
  await producer.disconnect()
}

const ofPending = (value: string) => (value === 'decided' ? ('of pending' as const) : undefined)
const lately = { since: Date.now() - 3_600_000, markOf: ofPending }

it('the note of what is decided hangs; the events tell, and it is given to Kafka anew', async () => {
  await publish(await open(), 'before', 1)
  await endWithoutKeeper('decided', 'commit')

  const second = await open()
  expect(await second.readNote(never)).toMatchObject({ note: { seq: 1 }, isHanging: true }) // Kafka did lose the end
  expect([...(await second.lookBack(lately, never))]).toEqual([['of pending', 'visible']])
  const note = { epoch: 1, seq: 2, nonce: '2' }
  await expect(second.settle({ fateOf, note }, never)).rejects.toMatchObject({ code: 'publish.failed' })
  const third = await open()
  expect(await third.readNote(never)).toEqual({ note, isHanging: false })
  await third.settle({ fateOf: () => 'decided' }, never)
  await third.close()
})

it('the note of what was aborted hangs; it is dropped, and does not come with the next end', async () => {
  await publish(await open(), 'before', 1)
  await endWithoutKeeper('decided', 'abort')

  const second = await open()
  expect(await second.readNote(never)).toMatchObject({ note: { seq: 1 }, isHanging: true }) // Kafka did lose the end
  expect([...(await second.lookBack(lately, never))]).toEqual([])
  await expect(second.settle({ fateOf, note: null }, never)).rejects.toMatchObject({ code: 'publish.failed' })
  const third = await open()
  expect(await third.readNote(never)).toMatchObject({ note: { seq: 1 }, isHanging: false })
  await third.close()
})

it('events are looked for from a time on; those that hang are told from those that are visible', async () => {
  await commitWithoutEnd('decided')
  const session = await open()
  expect([...(await session.lookBack(lately, never))]).toEqual([['of pending', 'hanging']])
  expect([...(await session.lookBack({ ...lately, since: Date.now() + 3_600_000 }, never))]).toEqual([])
  await session.close()
})
