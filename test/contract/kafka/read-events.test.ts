import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { beforeAll, expect, inject, it } from 'vitest'
import { eventSource, sequenceText } from '../../../connector/event/client-event.ts'
import { clientEvent, eventModes, tombstones } from '../../../connector/event/cloud-event/event-form.ts'
import { cloudEvent, type StoredEvent } from '../../../connector/event/cloud-event/stored-event.ts'
import { type KafkaConfig, kafkaDefaults } from '../../../connector/kafka/kafka-config.ts'
import { partitionOf } from '../../../connector/kafka/partitioner.ts'
import { kafkaEventPublisher } from '../../../connector/kafka/transactions/stream-producer.ts'
import { type StreamProducer, withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { createTopics } from '../../support/create-topics.ts'
import { eventsReader } from '../../support/events-reader.ts'
import { eventForm, sentEvent } from '../../support/records.ts'
import { never } from '../../support/signals.ts'

const closing = closingAfterAll()
const brokers = inject('kafkaBrokers').split(',')
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
let admin: Admin

beforeAll(async () => {
  admin = closing.use(kafka.admin(), (client) => client.disconnect())
  await admin.connect()
})

async function newTopic(): Promise<string> {
  const topic = randomUUID()
  await createTopics(admin, [{ topic, numPartitions: 3 }])
  return topic
}

/** Of a stream on the topic. */
function configOf(topic: string): KafkaConfig {
  const topics = { events: topic, deadLetters: `${topic}.dlq`, create: { ...kafkaDefaults.create, partitions: 1 } }
  return { ...kafkaDefaults, brokers, topic: topics }
}

async function open(topic: string): Promise<StreamProducer> {
  const parts = { connector: 'test', stream: topic, clock: systemClock, log: () => undefined }
  const publisher = closing.use(kafkaEventPublisher(configOf(topic), parts), (opened) => opened.close())
  const producer = await publisher.open(withoutCheckpoint, never)
  await producer.readKafkaState({ formerProducerId: null }, never) // waits for the coordinators of a new broker
  return producer
}

async function publish(producer: StreamProducer, { values, seq }: { values: readonly string[]; seq: number }) {
  await using transaction = producer.begin(never)
  await transaction.send(values.map((value) => sentEvent(value, value)))
  if (seq > 0) await transaction.commit({ epoch: 1, seq, nonce: `n${seq}`, events: 0 })
}

/** The values that a reading finds, and the last share that it reports. */
async function read(topic: string) {
  const values: string[] = []
  let share = 0
  const onProgress = (now: number) => {
    expect(now).toBeGreaterThanOrEqual(share)
    share = now
  }
  await eventsReader(configOf(topic))(
    { find: ({ value }) => value ?? undefined, onVisible: (value) => values.push(value), onProgress },
    never,
  )
  return { values: values.sort(), share }
}

const valuesOf = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at}`)

it('reads every committed event once, and neither aborted nor open ones', async () => {
  const topic = await newTopic()
  const writer = await open(topic)
  await publish(writer, { values: valuesOf('first', 300), seq: 1 })
  await publish(writer, { values: valuesOf('second', 300), seq: 2 })
  await publish(await open(topic), { values: valuesOf('aborted', 5), seq: 0 })
  const transactionalId = `other.${topic}`
  const other = closing.use(kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 }), (opened) =>
    opened.disconnect(),
  )
  await other.connect()
  const transaction = await other.transaction()
  await transaction.send({ topic, messages: [{ key: 'k', value: 'open' }] })

  const { values, share } = await read(topic)
  expect(values).toEqual([...valuesOf('first', 300), ...valuesOf('second', 300)].sort())
  expect(share).toBe(1)
  await transaction.abort()
})

it('waits for the marker of a transaction that is committed after the ends were listed', async () => {
  const topic = await newTopic()
  const writer = await open(topic)
  await using transaction = writer.begin(never)
  await transaction.send([sentEvent('value', 'value')])
  const visible: string[] = []
  let committed: Promise<void> | undefined
  const find = ({ value }: StoredEvent) => {
    committed ??= transaction.commit({ epoch: 1, seq: 1, nonce: 'n1', events: 0 })
    return value ?? undefined
  }
  const onVisible = (value: string) => visible.push(value)
  await eventsReader(configOf(topic))({ find, onVisible, onProgress: () => {} }, never)
  await committed
  expect(visible).toEqual(['value'])
})

it('reads no event of an empty topic', async () => {
  expect(await read(await newTopic())).toEqual({ values: [], share: 0 })
})

it('reads events in both modes and a tombstone from one topic, with their numbers', async () => {
  const topic = await newTopic()
  const producer = await open(topic)
  const source = eventSource('test', 'clients')
  const client = { clientId: 'é 1', previous: '4', timeMs: 0 }
  const change = { ...client, json: '{"No":"é 1"}', contentHash: 'h' }
  const events = eventModes.map((mode, sequence) => clientEvent({ ...change, sequence }, eventForm({ mode, source })))
  await using transaction = producer.begin(never)
  const erasure = { type: 'client.erased', source, clientId: 'é 1', id: 'e', timeMs: 0 } as const
  const erased = tombstones(erasure, 3).filter(({ partition }) => partition === partitionOf(Buffer.from('é 1'), 3))
  await transaction.send([...events.map(({ record }) => record), ...erased])
  await transaction.commit({ epoch: 1, seq: 1, nonce: 'n1', events: 0 })

  const found: StoredEvent[] = []
  const reading = { find: (event: StoredEvent) => event, onVisible: (event: StoredEvent) => found.push(event) }
  await eventsReader(configOf(topic))({ ...reading, onProgress: () => {} }, never)
  expect(found[2]).toMatchObject({ key: 'é 1', value: null, headers: { ce_type: 'client.erased' } })
  const attributes = found.map((event) => cloudEvent(event)?.attributes ?? {})
  expect(attributes.map((each) => each.source)).toEqual([source, source, source])
  expect(attributes.map(({ sequence }) => sequence)).toEqual([sequenceText(0), sequenceText(1), undefined])
  expect(found.map((event) => cloudEvent(event)?.data())).toEqual([{ No: 'é 1' }, { No: 'é 1' }, undefined])
})

it('rejects a missing topic, and does not create it', async () => {
  await expect(read(randomUUID())).rejects.toMatchObject({ code: 'publish.topic-missing' })
})
