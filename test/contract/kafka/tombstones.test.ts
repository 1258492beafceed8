import { randomUUID } from 'node:crypto'
import { expect, inject, it } from 'vitest'
import { tombstones } from '../../../connector/event/cloud-event/event-form.ts'
import { kafkaDefaults } from '../../../connector/kafka/kafka-config.ts'
import { partitionOf } from '../../../connector/kafka/partitioner.ts'
import { kafkaEventPublisher } from '../../../connector/kafka/transactions/stream-producer.ts'
import {
  type EventPublisher,
  type StreamProducer,
  withoutCheckpoint,
} from '../../../connector/publish/event-publisher.ts'
import { publishTombstones } from '../../../connector/publish/publish-tombstones.ts'
import { systemClock as clock } from '../../../connector/runtime/clock.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { sentEvent } from '../../support/records.ts'
import { never } from '../../support/signals.ts'
import { readTopic } from '../../support/topic-reader.ts'

const closing = closingAfterAll()
const bootstrap = inject('kafkaBrokers')
const PARTITIONS = 3
const client = 'é 7'

/** A stream whose producer has published an event of the client. */
async function published() {
  const topic = randomUUID()
  const topics = {
    events: topic,
    deadLetters: `${topic}.dlq`,
    create: { ...kafkaDefaults.create, partitions: PARTITIONS, replicationFactor: 1 },
  }
  const config = { ...kafkaDefaults, brokers: bootstrap.split(','), topic: topics }
  const parts = { connector: 'test', stream: topic, clock, log: () => undefined }
  const publisher = closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
  const open = () => publisher.open(withoutCheckpoint, never)
  const producer = await open()
  await producer.readKafkaState({ formerProducerId: null }, never) // waits for the coordinators of a new broker
  await publish(producer, 'first', 1)
  const event = { type: 'client.removed', source: '/polaris/test/clients', clientId: client, timeMs: 0 } as const
  const made = (partitions: number) => tombstones({ ...event, id: 'one' }, partitions)
  const erase = (through: Pick<EventPublisher, 'open'> = publisher) =>
    publishTombstones({ publisher: through, clock, tombstones: made }, never)
  const records = async () => await readTopic(bootstrap, topic)
  return { open, producer, publisher, erase, records }
}

async function publish(producer: StreamProducer, value: string, seq: number): Promise<void> {
  await using transaction = producer.begin(never)
  await transaction.send([sentEvent(client, value)])
  await transaction.commit({ epoch: 1, seq, nonce: `${seq}`, events: seq })
}

const codeFrom = (work: Promise<unknown>) => work.then(() => 'done', codeOf)

it('are in every partition, and fence the running producer, which publishes its page again once', async () => {
  const { open, producer, erase, records } = await published()
  const page = producer.begin(never)
  await page.send([sentEvent(client, 'second')])
  expect(await erase()).toBe(PARTITIONS)
  expect(await codeFrom(page.commit({ epoch: 1, seq: 2, nonce: '2', events: 2 }))).toBe('publish.fenced')

  const again = await open()
  const { found, open: hanging } = await again.readKafkaState({ formerProducerId: producer.producerId }, never)
  expect(found).toMatchObject({ record: { seq: 1 } })
  expect(hanging).toEqual([])
  await publish(again, 'second', 2)
  const all = await records()
  const own = all.filter(({ partition }) => partition === partitionOf(Buffer.from(client), PARTITIONS))
  expect(own.map(({ text }) => text)).toEqual(['first', '', 'second'])
  const gone = all.filter(({ text }) => text === '')
  expect(gone.map(({ partition }) => partition).toSorted()).toEqual([0, 1, 2])
  for (const { key, headers } of gone)
    expect({ key, headers }).toMatchObject({ key: client, headers: { ce_type: 'client.removed', ce_id: 'one' } })
})
