import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel, type Transaction } from 'kafkajs'
import { beforeAll, expect, inject, test } from 'vitest'
import { eventSource, sequenceText } from '../../../connector/event/client-event.ts'
import { clientEvent, eventModes, tombstones } from '../../../connector/event/cloud-event/event-form.ts'
import { cloudEvent, type StoredEvent } from '../../../connector/event/cloud-event/stored-event.ts'
import { partitionOf } from '../../../connector/kafka/partitioner.ts'
import { optionsWithoutCheckpoint, type StreamProducer } from '../../../connector/publish/event-publisher.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { createTopics } from '../../support/create-topics.ts'
import { eventsReader } from '../../support/events-reader.ts'
import { eventForm, sentEvent } from '../../support/records.ts'
import { never } from '../../support/signals.ts'
import { commit, recordIn, streamConfig, streamPublisher } from '../../support/stream-publisher.ts'

// Producers leave committed, aborted and open transactions in a real topic, which is then read to its end.

const closing = closingAfterAll()
const brokers = inject('kafkaBrokers')
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
let admin: Admin

beforeAll(async () => {
  admin = closing.use(kafka.admin(), (client) => client.disconnect())
  await admin.connect()
})

async function newTopic(compression = 'producer'): Promise<string> {
  const topic = randomUUID()
  const configEntries = [{ name: 'compression.type', value: compression }]
  await createTopics(admin, [{ topic, numPartitions: 3, configEntries }])
  return topic
}

async function open(topic: string): Promise<StreamProducer> {
  const producer = await streamPublisher(closing, streamConfig(brokers, topic)).open(optionsWithoutCheckpoint, never)
  await recordIn(producer) // waits for the coordinators of a new broker
  return producer
}

/** An open transaction of another application in the topic. */
async function openTransaction(topic: string): Promise<Transaction> {
  const settings = { transactionalId: `other.${topic}`, idempotent: true, maxInFlightRequests: 1 }
  const other = closing.use(kafka.producer(settings), (opened) => opened.disconnect())
  await other.connect()
  const transaction = await other.transaction()
  await transaction.send({ topic, messages: [{ key: 'k', value: 'open '.repeat(100) }] })
  return transaction
}

const eventsOf = (values: readonly string[]) => values.map((value) => sentEvent(value, value))

/** The values that a reading finds. */
async function read(topic: string): Promise<string[]> {
  const values: string[] = []
  const reading = {
    find: ({ value }: StoredEvent) => value ?? undefined,
    onVisible: (value: string) => values.push(value),
  }
  await eventsReader(streamConfig(brokers, topic))(reading, never)
  return values.sort()
}

const valuesOf = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at}`)

const codecs = ['producer', 'gzip', 'zstd', 'lz4', 'snappy']
test.each(codecs)(
  'reads every committed event once, and neither aborted nor open ones (compression %s)',
  async (codec) => {
    const topic = await newTopic(codec)
    const transaction = await openTransaction(topic)
    const writer = await open(topic)
    expect((await writer.readKafkaState({ formerProducerId: null }, never)).openTransactions).toEqual([])
    await commit(writer, eventsOf(valuesOf('first', 300)), 1)
    await commit(writer, eventsOf(valuesOf('second', 300)), 2)
    const aborting = await open(topic)
    {
      await using aborted = aborting.begin(never)
      await aborted.send(eventsOf(valuesOf('aborted', 5)))
    }

    expect(await read(topic)).toEqual([...valuesOf('first', 300), ...valuesOf('second', 300)].sort())
    await transaction.abort()
  },
)

test('waits for the marker of a transaction that is committed after the ends were listed', async () => {
  const topic = await newTopic()
  const writer = await open(topic)
  await using transaction = writer.begin(never)
  await transaction.send([sentEvent('value', 'value')])
  const visible: string[] = []
  let committed: Promise<void> | undefined
  const find = ({ value }: StoredEvent) => {
    committed ??= transaction.commit({ epoch: 1, seq: 1, nonce: 'n1', nextEvent: 0 })
    return value ?? undefined
  }
  const onVisible = (value: string) => visible.push(value)
  await eventsReader(streamConfig(brokers, topic))({ find, onVisible }, never)
  await committed
  expect(visible).toEqual(['value'])
})

test('reads no event of an empty topic', async () => {
  expect(await read(await newTopic())).toEqual([])
})

test('reads events in both modes and a tombstone from one topic, with their numbers', async () => {
  const topic = await newTopic()
  const producer = await open(topic)
  const source = eventSource('test', 'clients')
  const client = { clientId: 'é 1', previous: '4', timeMs: 0, marks: {} }
  const events = eventModes.map((mode, sequence) =>
    clientEvent({ ...client, json: '{"No":"é 1"}', contentHash: 'h', sequence }, eventForm({ mode, source })),
  )
  await using transaction = producer.begin(never)
  const erasure = { type: 'client.erased', source, clientId: 'é 1', id: 'e', timeMs: 0 } as const
  const erased = tombstones(erasure, [partitionOf(Buffer.from('é 1'), 3)])
  await transaction.send([...events.map(({ record }) => record), ...erased])
  await transaction.commit({ epoch: 1, seq: 1, nonce: 'n1', nextEvent: 0 })

  const found: StoredEvent[] = []
  const reading = { find: (event: StoredEvent) => event, onVisible: (event: StoredEvent) => found.push(event) }
  await eventsReader(streamConfig(brokers, topic))(reading, never)
  expect(found[2]).toMatchObject({ key: 'é 1', value: null, headers: { ce_type: 'client.erased' } })
  const attributes = found.map((event) => cloudEvent(event)?.attributes ?? {})
  expect(attributes.map((each) => each.source)).toEqual([source, source, source])
  expect(attributes.map(({ sequence }) => sequence)).toEqual([sequenceText(0), sequenceText(1), undefined])
  expect(found.map((event) => cloudEvent(event)?.data())).toEqual([{ No: 'é 1' }, { No: 'é 1' }, undefined])
})

test('rejects a missing topic, and does not create it', async () => {
  await expect(read(randomUUID())).rejects.toMatchObject({ code: 'publish.topic-missing' })
})
