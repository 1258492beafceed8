import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OutgoingRecord } from '../../../connector/event/client-event.ts'
import { tombstones } from '../../../connector/event/cloud-event/event-form.ts'
import { viewCluster } from '../../../connector/kafka/admin/cluster-view.ts'
import { kafkaClient } from '../../../connector/kafka/kafka-client.ts'
import type { KafkaConfig } from '../../../connector/kafka/kafka-config.ts'
import { clusterOf } from '../../../connector/kafka/kafkajs/cluster.ts'
import { offsetsOfCommitRecord } from '../../../connector/kafka/transactions/kafka-state.ts'
import {
  type EventPublisher,
  optionsWithoutCheckpoint,
  type RepairPlan,
  type StreamProducer,
  streamNames,
} from '../../../connector/publish/event-publisher.ts'
import type { ReadEvents } from '../../../connector/publish/event-reading.ts'
import { publishTombstones } from '../../../connector/publish/publish-tombstones.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { testKafka } from '../../support/committed-records.ts'
import { createTopics } from '../../support/create-topics.ts'
import { eventsReader } from '../../support/events-reader.ts'
import { sentEvent, sentTo } from '../../support/records.ts'
import { type KafkaCluster, kafkaVersion, startKafka } from '../../support/servers/kafka-broker.ts'
import { clusterView } from '../../support/servers/kafka-wire.ts'
import { never } from '../../support/signals.ts'
import { commit, streamConfig, streamPublisher } from '../../support/stream-publisher.ts'
import { readTopic } from '../../support/topic-reader.ts'

/**
 * Reproduces KAFKA-20734 on a real Kafka. When a transaction ends while a partition it wrote to has no leader, the
 * coordinator treats that partition as deleted and reports success. The records get no marker; the next marker of the
 * same producer id decides about them.
 */

/** Whether the broker is of a release with this defect. On any other, a test shows that it is absent. */
const isDefective = ['4.3.0', '4.3.1', '4.3.2', '4.4.0'].includes(await kafkaVersion())

const closing = closingAfterAll()
let kafka: KafkaCluster
let topic: string
/** The only replica of both topics; it coordinates nothing for this stream. */
let topicBroker: number
/** The only replica of the partition with the commit records; it is not the transaction coordinator. */
let groupCoordinator: number
let publisher: EventPublisher
let readEvents: ReadEvents
let open: () => Promise<StreamProducer>

beforeAll(async () => {
  const properties = {
    'offsets.topic.replication.factor': '1',
    // Different from the transaction topic: with equal counts, both coordinators of a name could be the same broker.
    'offsets.topic.num.partitions': '3',
    'min.insync.replicas': '1',
  }
  kafka = closing.use(await startKafka({ brokers: 3, properties }), (cluster) => cluster.close())
})

beforeEach(async () => {
  let transactionCoordinator: number
  do {
    topic = randomUUID()
    ;[groupCoordinator, transactionCoordinator] = await coordinatorsOf(`test.${topic}`)
  } while (groupCoordinator === transactionCoordinator)
  topicBroker = 6 - groupCoordinator - transactionCoordinator // the third of brokers 1, 2 and 3
  await topicsOn([topicBroker], topic)
  const config = configOf(kafka.bootstrap, topic)
  publisher = streamPublisher(closing, config)
  readEvents = eventsReader(config)
  open = () => publisher.open(optionsWithoutCheckpoint, never)
})

/** Creates an events topic and its dead-letter topic, with one partition whose replicas are on these brokers. */
async function topicsOn(replicas: number[], events: string): Promise<void> {
  const admin = testKafka(kafka.bootstrap).admin()
  await admin.connect()
  const replicaAssignment = [{ partition: 0, replicas }]
  await createTopics(
    admin,
    [events, `${events}.dlq`].map((name) => ({ topic: name, replicaAssignment })),
  )
  await admin.disconnect()
}

/** Of a stream that may not create its topics. */
function configOf(brokers: string, events: string): KafkaConfig {
  const config = streamConfig(brokers, events)
  return { ...config, topic: { ...config.topic, create: undefined } }
}

/** Waits for the group coordinator and the transaction coordinator of a name; returns their node ids. */
async function coordinatorsOf(groupId: string): Promise<[number, number]> {
  const cluster = clusterOf(testKafka(kafka.bootstrap))
  await cluster.connect()
  const nodeOf = async (coordinatorType: 0 | 1): Promise<number> => {
    for (;;) {
      try {
        return Number((await cluster.findGroupCoordinator({ groupId, coordinatorType })).nodeId)
      } catch {
        // Kafka is still creating the internal topic.
      }
    }
  }
  const found: [number, number] = [await nodeOf(0), await nodeOf(1)]
  await cluster.disconnect()
  return found
}

const event = (value: string): OutgoingRecord => sentEvent('client', value)
const stateOf = (producer: StreamProducer, formerProducerId: string | null = null) =>
  producer.readKafkaState({ formerProducerId }, never)

const publish = (producer: StreamProducer, value: string, seq: number) => commit(producer, [event(value)], seq)

/** Repairs the open transactions that the producer finds. */
async function repair(producer: StreamProducer, outcome: RepairPlan['outcome']): Promise<void> {
  await producer.repairTransactions({ hangingTransactions: (await stateOf(producer)).openTransactions, outcome }, never)
}

/** Runs `work` while the partitions whose only replica is this broker have no leader. */
async function whileLeaderless(broker: number, work: () => Promise<void>): Promise<void> {
  await kafka.kill(broker)
  const [port = 0] = kafka.bootstrap
    .split(',')
    .filter((_, at) => at !== broker - 1)
    .map((address) => Number(address.split(':')[1]))
  const haveLeaders = async () => {
    const view = await clusterView({ host: '127.0.0.1', port }, [topic, '__consumer_offsets'])
    return view === undefined || view.partitions.every(({ leader }) => leader >= 0)
  }
  try {
    while (await haveLeaders());
    await work()
  } finally {
    await kafka.start(broker)
  }
}

const valuesOf = async (of = topic) => (await readTopic(kafka.bootstrap, of)).map(({ text }) => text)

/** Commits a transaction whose markers are lost in all partitions; returns its producer, which is closed. */
async function commitWithoutMarker(records: readonly OutgoingRecord[]): Promise<StreamProducer> {
  const producer = await open()
  await using transaction = producer.begin(never)
  await transaction.send(records)
  await whileLeaderless(topicBroker, async () => {
    const committed = transaction.commit({ epoch: 1, seq: 1, nonce: '1', nextEvent: 0 })
    await expect(committed).rejects.toMatchObject({ code: 'publish.outcome-unknown' })
  })
  return producer
}

/** Aborts a transaction whose marker is lost in the partition. */
async function abortWithoutMarker(producer: StreamProducer, value: string): Promise<void> {
  const transaction = producer.begin(never)
  await transaction.send([event(value)])
  await whileLeaderless(topicBroker, async () => await transaction[Symbol.asyncDispose]())
}

const erasure = {
  type: 'client.erased',
  source: '/polaris/test/clients',
  clientId: 'client',
  id: 'e',
  timeMs: 0,
} as const

async function visibleEvents(): Promise<string[]> {
  const visible: string[] = []
  const onVisible = (value: string) => void visible.push(value)
  await readEvents({ find: ({ value }) => value ?? undefined, onVisible }, never)
  return visible
}

/** Commits a transaction with a commit record while the partition that stores commit records has no leader. */
async function commitWithoutCoordinator(value: string): Promise<void> {
  const { transactionalId, recordGroup: group } = streamNames('test', topic)
  const producer = testKafka(kafka.bootstrap).producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ key: 'client', value }] })
  await transaction.sendOffsets(offsetsOfCommitRecord({ group, topic }, { epoch: 1, seq: 2, nonce: '2', nextEvent: 0 }))
  await whileLeaderless(groupCoordinator, () => transaction.commit())
  await producer.disconnect()
}

describe.runIf(isDefective)('Kafka 4.3.0 to 4.3.2, and 4.4.0', () => {
  test('aborts a hanging transaction of its own, and the same producer publishes its event again', async () => {
    const first = await open()
    await publish(first, 'before', 1)
    await abortWithoutMarker(first, 'again')
    const other = testKafka(kafka.bootstrap).producer({
      transactionalId: `other.${topic}`,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await other.connect()
    const foreign = await other.transaction()
    await foreign.send({ topic, messages: [{ key: 'client', value: 'of another' }] })

    const second = await open()
    const hanging = [{ topic, partition: 0, startOffset: '2', producerId: second.producerId }]
    expect((await stateOf(second, 'none')).openTransactions).toEqual(hanging)
    await repair(second, 'aborted')
    expect((await stateOf(second, first.producerId)).openTransactions).toEqual([])
    await foreign.abort()
    await other.disconnect()
    expect(await valuesOf()).toEqual(['before'])
    await publish(second, 'again', 2)
    expect(await valuesOf()).toEqual(['before', 'again'])
    await second.close()
  })

  test('commits a hanging transaction, which was not visible before and is not ended by tombstones or a later abort', async () => {
    const names = { events: topic, deadLetters: `${topic}.dlq` }
    const records = (value: string) => [event(value), sentTo('deadLetters', 'client', value)]
    const valuesOfAll = () => Promise.all([valuesOf(), valuesOf(names.deadLetters)])
    const producer = await commitWithoutMarker(records('committed'))
    expect(() => producer.begin(never)).toThrow('the producer is closed')

    const made = () => tombstones(erasure, [0])
    const erasing = publishTombstones({ publisher, clock: systemClock, tombstones: made }, never)
    await expect(erasing).rejects.toMatchObject({
      code: 'publish.failed',
      message: expect.stringContaining(`no marker in ${topic} partition 0`),
    })

    const second = await open()
    const { foundRecord, openTransactions } = await stateOf(second)
    expect(foundRecord).toMatchObject({ record: { seq: 1 } })
    expect(openTransactions).toMatchObject([{ topic: names.events }, { topic: names.deadLetters }])
    expect(await visibleEvents()).toEqual([])
    await repair(second, 'committed')
    expect(await visibleEvents()).toEqual(['committed'])
    expect(await valuesOfAll()).toEqual([['committed'], ['committed']])
    {
      await using transaction = second.begin(never)
      await transaction.send(records('again'))
    }
    const third = await open()
    expect((await stateOf(third)).openTransactions).toEqual([])
    expect(await valuesOfAll()).toEqual([['committed'], ['committed']])
    await third.close()
  })

  test('finds that a commit record has lost its marker, and the next transaction completes it', async () => {
    await publish(await open(), 'before', 1)
    await commitWithoutCoordinator('second')

    const second = await open()
    expect((await stateOf(second)).foundRecord).toEqual({ kind: 'unstable' })
    await publish(second, 'after', 3)
    await second.close()
    const third = await open()
    expect((await stateOf(third)).foundRecord).toMatchObject({ record: { seq: 3 } })
    await third.close()
  })
})

test.skipIf(isDefective)(
  'no transaction hangs on any other release of Kafka',
  async () => {
    await commitWithoutMarker([event('first')])
    expect((await stateOf(await open())).openTransactions).toEqual([])
    await commitWithoutCoordinator('second')
    expect(await stateOf(await open())).toMatchObject({ foundRecord: { record: { seq: 2 } }, openTransactions: [] })
    expect(await valuesOf()).toEqual(['first', 'second'])
  },
  120_000,
)

test('opens and publishes a stream when a partition of an unrelated topic has no leader', async () => {
  let own: string
  do own = randomUUID()
  while ((await coordinatorsOf(`test.${own}`)).includes(topicBroker))
  const others = [1, 2, 3].filter((id) => id !== topicBroker)
  await topicsOn(others, own)
  await whileLeaderless(topicBroker, async () => {
    const addresses = kafka.bootstrap.split(',')
    const config = configOf(others.map((id) => addresses[id - 1] ?? '').join(), own)
    const producer = await streamPublisher(closing, config).open(optionsWithoutCheckpoint, never)
    await stateOf(producer)
    await publish(producer, 'sent', 1)
    expect(await valuesOf(own)).toEqual(['sent'])
    const connect = () => kafkaClient(config, { clientId: 'test', patience: 'stream', clock: systemClock })
    expect(await viewCluster({ clock: systemClock, newClient: connect }, never)).toMatchObject({ brokers: 2 })
    await producer.close()
  })
})
