import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'

/** A record as a `read_committed` consumer receives it. */
export interface CommittedRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly value: string
  readonly timestamp: number
  readonly headers: Readonly<Record<string, string>>
}

/** A Kafka client for tests, independent of the connector's. */
export function testKafka(brokers: string): Kafka {
  const retry = { initialRetryTime: 50, retries: 30, maxRetryTime: 500 }
  return new Kafka({ clientId: 'test', brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry })
}

const endKey = '--end--'

/**
 * All records committed in a topic so far, ordered within each partition. Writes a mark to the end of each partition
 * and reads up to it, so it waits for open transactions.
 */
export async function committedRecords(brokers: string, topic: string): Promise<CommittedRecord[]> {
  const kafka = testKafka(brokers)
  const mark = randomUUID()
  const partitions = await markEnds(kafka, topic, mark)
  const consumer = kafka.consumer({ groupId: `reader-${mark}`, maxWaitTimeInMs: 100 })
  const found: CommittedRecord[] = []
  const done = Promise.withResolvers<void>()
  let open = partitions
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        const key = message.key?.toString() ?? null
        const value = message.value?.toString() ?? ''
        if (key === endKey && value === mark) open -= 1
        if (open === 0) done.resolve()
        if (key === endKey) return
        const headers = Object.fromEntries(
          Object.entries(message.headers ?? {}).map(([name, text]) => [name, String(text)]),
        )
        found.push({ topic, partition, key, value, timestamp: Number(message.timestamp), headers })
      },
    })
    await done.promise
  } finally {
    await consumer.disconnect()
  }
  return found
}

async function markEnds(kafka: Kafka, topic: string, mark: string): Promise<number> {
  const admin = kafka.admin()
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  })
  try {
    await Promise.all([admin.connect(), producer.connect()])
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions.length ?? 0
    const messages = Array.from({ length: partitions }, (_, partition) => ({ key: endKey, value: mark, partition }))
    await producer.send({ topic, messages })
    return partitions
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}
