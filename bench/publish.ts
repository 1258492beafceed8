import { Kafka, logLevel } from 'kafkajs'
import { RecordMemory } from '../connector/event/packed-record.ts'
import { kafkaDefaults } from '../connector/kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../connector/kafka/kafka-event-publisher.ts'
import { withoutCheckpoint } from '../connector/publish/event-publisher.ts'
import { systemClock } from '../connector/runtime/clock.ts'
import { refusedAccounts } from '../connector/runtime/refused-accounts.ts'
import { sentEvent } from '../test/support/records.ts'
import { openTopic } from '../test/support/topic-reader.ts'
import { figuresOf, type Sample } from './parts/figures.ts'
import type { PublishOrder } from './parts/limit-run.ts'
import { memoryOf } from './parts/process-usage.ts'

/** The write limit: sends the records of a topic again, in as many transactions, each with a commit record. */
const order: PublishOrder = JSON.parse(process.argv[2] ?? '{}')
const name = `${order.topic}.${order.by}`
const samples: Sample[] = []

interface SourceRecord {
  readonly partition: number
  readonly key: string
  readonly value: string
}

type Publish = (records: readonly SourceRecord[], seq: number) => Promise<void>

async function recordsOfTopic(): Promise<SourceRecord[]> {
  const reader = await openTopic({ kafka: { brokers: [order.brokers] }, topic: order.topic, from: 'beginning' })
  const found: (SourceRecord & { sequence: string })[] = []
  while (!reader.isPastStart()) {
    for (const { partition, key, text, value } of await reader.poll()) {
      found.push({ partition, key: key ?? '', value: text, sequence: (value as { sequence: string }).sequence })
    }
  }
  await reader.close()
  const keys = new Set(found.map(({ key }) => key)).size
  if (found.length !== order.clients || keys !== order.clients)
    throw new Error(
      `expected ${order.clients} records with distinct keys, found ${found.length} records and ${keys} keys`,
    )
  return found.sort((one, other) => (one.sequence < other.sequence ? -1 : 1))
}

/** Unmodified kafkajs, used correctly: one send per partition, then the commit record, then the commit. */
async function openKafkaJs(): Promise<{ publish: Publish; close(): Promise<void> }> {
  const client = new Kafka({ brokers: [order.brokers], logLevel: logLevel.NOTHING })
  const { retry, timeouts } = kafkaDefaults
  const producer = client.producer({
    transactionalId: name,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    transactionTimeout: timeouts.transactionMs,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
    retry: { initialRetryTime: retry.firstPauseMs, maxRetryTime: retry.maxPauseMs, retries: retry.retries },
  })
  await producer.connect()
  const headers = { 'content-type': 'application/cloudevents+json' }
  const publish: Publish = async (records, seq) => {
    const transaction = await producer.transaction()
    const messages = records.map(({ partition, key, value }) => ({ partition, key, value, headers }))
    const byPartition = Object.values(Object.groupBy(messages, ({ partition }) => partition))
    await Promise.all(byPartition.map((some) => transaction.send({ topic: name, messages: some ?? [], acks: -1 })))
    const partitions = [{ partition: 0, offset: String(seq) }]
    await transaction.sendOffsets({ consumerGroupId: name, topics: [{ topic: name, partitions }] })
    await transaction.commit()
  }
  return { publish, close: () => producer.disconnect() }
}

async function openPublisher(): Promise<{ publish: Publish; close(): Promise<void> }> {
  const topic = { events: name, deadLetters: `${name}.dlq`, create: kafkaDefaults.create }
  const publisher = kafkaEventPublisher(
    { ...kafkaDefaults, brokers: [order.brokers], topic },
    { connector: name, stream: 's', clock: systemClock, accounts: refusedAccounts(systemClock), log: () => {} },
  )
  const stop = new AbortController().signal
  const producer = await publisher.open(withoutCheckpoint, stop)
  const publish: Publish = async (records, seq) => {
    const transaction = producer.begin(stop)
    const memory = new RecordMemory()
    await transaction.send(records.map(({ key, value }) => sentEvent(key, value, memory)))
    await transaction.commit({ epoch: 1, seq, nonce: 'bench' })
    memory.free()
  }
  return { publish, close: () => publisher.close() }
}

const records = await recordsOfTopic()
const admin = new Kafka({ brokers: [order.brokers], logLevel: logLevel.NOTHING }).admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic: name, numPartitions: 6 }] })
await admin.disconnect()
const { publish, close } = await (order.by === 'kafkajs' ? openKafkaJs() : openPublisher())
for (let sent = 0, seq = 1; sent < records.length; seq += 1) {
  const next = records.slice(sent, sent + order.recordsPerTransaction)
  await publish(next, seq)
  sent += next.length
  const { user, system } = process.cpuUsage()
  samples.push({ atMs: performance.now(), cpuSeconds: (user + system) / 1e6, share: sent / records.length })
}
await close()
console.log(JSON.stringify(figuresOf(samples, { clients: order.clients, ...memoryOf('self') })))
