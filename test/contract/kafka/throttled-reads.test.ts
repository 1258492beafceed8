import { randomBytes, randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { beforeAll, expect, it, vi } from 'vitest'
import { eventSource } from '../../../connector/event/client-event.ts'
import { readTopicClients } from '../../../connector/inspect/audit/audited-clients.ts'
import { kafkaDefaults } from '../../../connector/kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../../../connector/kafka/transactions/stream-producer.ts'
import { type EventPublisher, streamNames, withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { createTopics } from '../../support/create-topics.ts'
import { eventsReader } from '../../support/events-reader.ts'
import { fakePolaris } from '../../support/fakes/fake-client-source.ts'
import { sentEvent } from '../../support/records.ts'
import { runAlone } from '../../support/run-alone.ts'
import { startKafka } from '../../support/servers/kafka-broker.ts'
import { limitReads } from '../../support/servers/kafka-wire.ts'
import { never } from '../../support/signals.ts'
import { groupParts, stage } from '../../unit/stream/open/open-parts.ts'

/**
 * A broker answers a throttled client with empty responses. The topic also has gaps of compaction, transaction markers
 * at its end, and an open transaction of another producer, which holds back the last stable offset.
 */

const closing = closingAfterAll()
const PARTITIONS = 20
const CLIENTS = Array.from({ length: 30 }, (_, at) => `c${at}`)
/** Clients whose changes roll the segments: the active one is never compacted. */
const ROLLERS = 20
let brokers: string[]
let kafka: Kafka
let admin: Admin

beforeAll(async () => {
  // A short memory of the broker: throttle times of seconds, not minutes.
  const cluster = closing.use(await startKafka({ properties: { 'quota.window.num': '2' } }), (one) => one.close())
  brokers = cluster.bootstrap.split(',')
  kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  admin = closing.use(kafka.admin(), (client) => client.disconnect())
  await admin.connect()
})

const compacted = {
  'cleanup.policy': 'compact',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0',
  'delete.retention.ms': '0',
}

/** A stream whose Polaris has all clients changed three times. `pauses`: how long a reader with the clock `counting` has waited. */
async function publishedStream(bytesPerSecond: number) {
  const topic = randomUUID()
  const configEntries = Object.entries(compacted).map(([name, value]) => ({ name, value }))
  await createTopics(admin, [{ topic, numPartitions: PARTITIONS, configEntries }])
  const { clientId } = streamNames('test', topic)
  const port = Number(brokers[0]?.split(':')[1])
  await limitReads(port, { clientId, bytesPerSecond })

  const topics = { events: topic, deadLetters: `${topic}.dlq`, create: { ...kafkaDefaults.create, partitions: 1 } }
  const config = { ...kafkaDefaults, brokers, topic: topics }
  const publisher = (): EventPublisher => {
    const opened = kafkaEventPublisher(config, {
      connector: 'test',
      stream: topic,
      clock: systemClock,
      log: () => undefined,
    })
    return closing.use(opened, (one) => one.close())
  }
  const polaris = fakePolaris({ now: Date.now, timeZone: 'Europe/Paris', modificationTime: 'shown' })
  const on = stage({ until: 'caught-up', source: polaris.source('replica') })
  const source = eventSource('test', topic)
  const identity = { ...on.open.identity, connector: 'test', stream: topic }
  const pauses: number[] = []
  const counting = {
    ...systemClock,
    sleep: (ms: number, stop: AbortSignal) => {
      pauses.push(ms)
      return systemClock.sleep(ms, stop)
    },
  }
  const parts = { ...on.open, identity, topic, clock: systemClock }
  const poll = async () => {
    const open = { ...parts, publisher: publisher() }
    const reader = { ...on.pipeline.reader, clock: systemClock }
    const { settings } = groupParts()
    const group = { ...groupParts(), settings: { ...settings, form: { ...settings.form, source } } }
    const pipeline = { ...on.pipeline, reader, group, publisher: open.publisher, clock: systemClock }
    expect(await runAlone({ ...on.streamParts, open, pipeline, clock: systemClock }, never)).toEqual({
      kind: 'caught-up',
    })
  }
  for (let version = 1; version <= 3; version += 1) {
    for (const client of CLIENTS) polaris.change(client, randomBytes(500).toString('hex'))
    await poll()
  }
  return {
    topic,
    source,
    poll,
    polaris,
    pauses,
    opening: () => ({ ...parts, publisher: publisher() }),
    /** Reads the topic, throttled. */
    throttled: eventsReader(config, { clientId, clock: counting }),
    /** Reads it with another client id, which has no quota. */
    unthrottled: eventsReader(config, { clientId: 'other' }),
  }
}

type Published = Awaited<ReturnType<typeof publishedStream>>

/** Publishes until compaction has removed earlier events of the clients. */
async function compactTopic({ polaris, poll, unthrottled }: Published): Promise<void> {
  await vi.waitFor(
    async () => {
      for (let client = 0; client < ROLLERS; client += 1) polaris.change(`roller ${client}`)
      await poll()
      let events = 0
      const reading = { find: () => true, onVisible: () => (events += 1), onProgress: () => {} }
      await unthrottled(reading, never)
      expect(events).toBeLessThan(CLIENTS.length * 3)
    },
    { timeout: 50_000, interval: 500 },
  )
}

/** Leaves an aborted transaction of the stream, and then an open one of another producer, in all partitions. */
async function endWithTransactions({ topic, opening }: Published): Promise<void> {
  const everywhere = Array.from({ length: PARTITIONS * 10 }, (_, at) => `x${at}`)
  const producer = await opening().publisher.open(withoutCheckpoint, never)
  {
    await using transaction = producer.begin(never)
    await transaction.send(everywhere.map((key) => sentEvent(key, 'aborted')))
  }
  const other = kafka.producer({ transactionalId: `other.${topic}`, idempotent: true, maxInFlightRequests: 1 })
  closing.use(other, (opened) => opened.disconnect())
  await other.connect()
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, key: 'k', value: 'open' }))
  await (await other.transaction()).send({ topic, messages })
}

async function audited(on: Published): Promise<number> {
  const parts = { readEvents: on.throttled, eventSource: on.source, isShared: false }
  const nothing = { onProgress: () => {}, onRecord: () => {} }
  const topic = await readTopicClients({ ...parts, ignored: new Set() }, nothing, never)
  return CLIENTS.filter((client) => topic.get(client)?.kind === 'event').length
}

it('every reading of the topic finds every event', { timeout: 180_000 }, async () => {
  const on = await publishedStream(20_000)
  await compactTopic(on)
  await endWithTransactions(on)
  expect(await audited(on)).toBe(CLIENTS.length)
  expect(on.pauses.length).toBeGreaterThan(0)
})
