import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { beforeAll, expect, inject, it } from 'vitest'
import type { StoredEvent } from '../../../connector/event/cloud-event/stored-event.ts'
import { kafkaDefaults } from '../../../connector/kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../../../connector/kafka/transactions/stream-producer.ts'
import { withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { createTopics } from '../../support/create-topics.ts'
import { eventsReader } from '../../support/events-reader.ts'
import { sentEvent } from '../../support/records.ts'
import { never } from '../../support/signals.ts'

const closing = closingAfterAll()
const kafka = new Kafka({ brokers: inject('kafkaBrokers').split(','), logLevel: logLevel.NOTHING })
let admin: Admin

beforeAll(async () => {
  admin = closing.use(kafka.admin(), (client) => client.disconnect())
  await admin.connect()
})

it.each(['gzip', 'zstd', 'lz4', 'snappy'])(
  'opens, publishes and scans a topic with %s compression while another producer has an open transaction',
  async (codec) => {
    const topic = randomUUID()
    const configEntries = [{ name: 'compression.type', value: codec }]
    await createTopics(admin, [{ topic, numPartitions: 1, configEntries }])
    const other = closing.use(
      kafka.producer({ transactionalId: `other.${topic}`, idempotent: true, maxInFlightRequests: 1 }),
      (opened) => opened.disconnect(),
    )
    await other.connect()
    const open = await other.transaction()
    await open.send({ topic, messages: [{ key: 'k', value: 'of another producer'.repeat(100) }] })

    const config = { ...kafkaDefaults, brokers: inject('kafkaBrokers').split(','), topic: topics(topic) }
    const parts = {
      connector: 'test',
      stream: topic,
      clock: systemClock,
      log: () => undefined,
    }
    const publisher = closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
    const producer = await publisher.open(withoutCheckpoint, never)
    expect((await producer.readKafkaState({ formerProducerId: null }, never)).open).toEqual([])
    {
      await using transaction = producer.begin(never)
      const records = Array.from({ length: 500 }, (_, at) => sentEvent(`${at}`, `event ${at}`))
      await transaction.send(records)
      await transaction.commit({ epoch: 1, seq: 1, nonce: 'n', events: 0 })
    }
    const scanned: string[] = []
    const matchOf = ({ value }: StoredEvent) => {
      scanned.push(String(value))
      return value === 'event 499' ? ('last of committed' as const) : undefined
    }
    const visible: string[] = []
    const onVisible = (match: string) => visible.push(match)
    await eventsReader(config)({ find: matchOf, onVisible, onProgress: () => {} }, never)
    expect(visible).toEqual(['last of committed'])
    expect(scanned.filter((value) => value.startsWith('event '))).toHaveLength(500)
    await producer.close()
    await open.abort()
  },
)

const topics = (events: string) => ({
  events,
  deadLetters: `${events}.dlq`,
  create: { ...kafkaDefaults.create, partitions: 1 },
})
