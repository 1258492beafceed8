import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { kafkaDefaults } from '../../../connector/kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../../../connector/kafka/transactions/stream-producer.ts'
import { type StreamProducer, withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { recordFound, sentEvent } from '../../support/records.ts'
import { startKafka } from '../../support/servers/kafka-broker.ts'
import { never } from '../../support/signals.ts'

const closing = closingAfterAll()
let brokers: string[]

beforeAll(async () => {
  // What a broker forgets of a producer that sends nothing for a night or a week, here after seconds.
  const properties = {
    'connections.max.idle.ms': '1000',
    'producer.id.expiration.ms': '1000',
    'producer.id.expiration.check.interval.ms': '200',
    'transactional.id.expiration.ms': '6000',
    'transaction.remove.expired.transaction.cleanup.interval.ms': '200',
  }
  const cluster = closing.use(await startKafka({ properties }), (kafka) => kafka.close())
  brokers = cluster.bootstrap.split(',')
})

function opening() {
  const topic = randomUUID()
  const create = { ...kafkaDefaults.create, partitions: 1 }
  const config = { ...kafkaDefaults, brokers, topic: { events: topic, deadLetters: `${topic}.dlq`, create } }
  const parts = { connector: 'test', stream: topic, clock: systemClock, log: () => undefined }
  const publisher = closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
  return async () => {
    const producer = await publisher.open(withoutCheckpoint, never)
    await recordOf(producer) // waits until the broker has created the topic of the offsets
    return producer
  }
}

async function publish(producer: StreamProducer, seq: number): Promise<void> {
  await using transaction = producer.begin(never)
  await transaction.send([sentEvent('client', `${seq}`)])
  await transaction.commit({ epoch: 1, seq, nonce: `${seq}`, events: 0 })
}

const recordOf = async (producer: StreamProducer) =>
  recordFound(await producer.readKafkaState({ formerProducerId: null }, never))

test.concurrent('an idle producer publishes after the broker has closed its connection and forgotten its state', async () => {
  const producer = await opening()()
  await publish(producer, 1)
  await delay(2_500)
  await publish(producer, 2)
  expect(await recordOf(producer)).toEqual({ epoch: 1, seq: 2, nonce: '2', events: 0 })
})

test.concurrent('an idle producer whose transactional id has expired fails before anything is visible; the next one publishes', async () => {
  const open = opening()
  const producer = await open()
  await publish(producer, 1)
  await delay(8_000)
  const failure = await publish(producer, 2).catch((error: unknown) => error)
  expect(codeOf(failure)).toBe('publish.failed')
  const next = await open()
  expect(await recordOf(next)).toEqual({ epoch: 1, seq: 1, nonce: '1', events: 0 })
  await publish(next, 2)
  expect(await recordOf(next)).toEqual({ epoch: 1, seq: 2, nonce: '2', events: 0 })
})
