import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { optionsWithoutCheckpoint, type StreamProducer } from '../../../connector/publish/event-publisher.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { sentEvent } from '../../support/records.ts'
import { startKafka } from '../../support/servers/kafka-broker.ts'
import { never } from '../../support/signals.ts'
import { commit, recordIn, streamConfig, streamPublisher } from '../../support/stream-publisher.ts'

const closing = closingAfterAll()
let brokers: string

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
  brokers = cluster.bootstrap
})

function opening() {
  const publisher = streamPublisher(closing, streamConfig(brokers, randomUUID()))
  return async () => {
    const producer = await publisher.open(optionsWithoutCheckpoint, never)
    await recordIn(producer) // waits until the broker has created the topic of the offsets
    return producer
  }
}

const publish = (producer: StreamProducer, seq: number) => commit(producer, [sentEvent('client', `${seq}`)], seq)

test.concurrent('an idle producer publishes after the broker has closed its connection and forgotten its state', async () => {
  const producer = await opening()()
  await publish(producer, 1)
  await delay(2_500)
  await publish(producer, 2)
  expect(await recordIn(producer)).toMatchObject({ seq: 2 })
})

test.concurrent('an idle producer whose transactional id has expired fails before anything is visible; the next one publishes', async () => {
  const open = opening()
  const producer = await open()
  await publish(producer, 1)
  await delay(8_000)
  const failure = await publish(producer, 2).catch((error: unknown) => error)
  expect(codeOf(failure)).toBe('publish.failed')
  const next = await open()
  expect(await recordIn(next)).toMatchObject({ seq: 1 })
  await publish(next, 2)
  expect(await recordIn(next)).toMatchObject({ seq: 2 })
})
