import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { beforeAll, describe, expect, test } from 'vitest'
import { closingAfterAll } from '../../support/closing.ts'
import { createTopics } from '../../support/create-topics.ts'
import { type KafkaCluster, startKafka } from '../../support/servers/kafka-broker.ts'
import { holdsRequest } from '../../support/servers/kafka-wire.ts'

const closing = closingAfterAll()

function client(bootstrap: string, config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...config })
}

/** Enough retries to wait for a new leader on a busy machine. */
const patient = { retry: { retries: 80, maxRetryTime: 500 } }

/** Creates a topic and waits for its leader. */
async function makeTopic(bootstrap: string, topic: string): Promise<void> {
  const admin = client(bootstrap, patient).admin()
  await admin.connect()
  await createTopics(admin, [{ topic }])
  await admin.disconnect()
}

async function publish(kafka: Kafka, topic: string, value: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner: () => () => 0 })
  try {
    await producer.connect()
    await producer.send({ topic, acks: -1, messages: [{ value }] })
  } finally {
    await producer.disconnect()
  }
}

/** The number of records in the topic's only partition. */
async function recordsIn(bootstrap: string, topic: string): Promise<number> {
  const admin = client(bootstrap, patient).admin()
  await admin.connect()
  const [offsets] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return Number(offsets?.high)
}

describe('one broker', () => {
  let kafka: KafkaCluster
  beforeAll(async () => {
    kafka = closing.use(await startKafka({ proxied: true }), (cluster) => cluster.close())
  })

  test('stores a record when the response to its produce request is dropped, though the client sees a failure', async () => {
    await makeTopic(kafka.bootstrap, 'answer-lost')
    const dropped = kafka.proxies[0]?.dropAnswers(1, holdsRequest('produce'))
    await expect(publish(client(kafka.proxiedBootstrap), 'answer-lost', 'x')).rejects.toThrow()
    await dropped
    expect(await recordsIn(kafka.bootstrap, 'answer-lost')).toBe(1)
  })

  test('never lets a client bypass the proxy that it bootstraps through', async () => {
    await makeTopic(kafka.bootstrap, 'proxied')
    await kafka.proxies[0]?.down()
    await expect(publish(client(kafka.proxiedBootstrap), 'proxied', 'x')).rejects.toThrow('ECONNREFUSED')
    await kafka.proxies[0]?.up()
    await publish(client(kafka.proxiedBootstrap, patient), 'proxied', 'x')
    expect(await recordsIn(kafka.bootstrap, 'proxied')).toBe(1)
  })
})
