import { randomUUID } from 'node:crypto'
import type { Producer } from 'kafkajs'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { testKafka } from '../support/committed-records.ts'
import { openTopic, readTopic, type TopicRecord } from '../support/topic-reader.ts'

const brokers = inject('kafkaBrokers')
const textsOf = (records: readonly TopicRecord[]) => records.map((record) => record.text)

let topic: string
let producer: Producer
beforeEach(async () => {
  topic = `reader-${randomUUID()}`
  const admin = testKafka(brokers).admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2 }] })
  await admin.disconnect()
  producer = testKafka(brokers).producer({ transactionalId: topic, maxInFlightRequests: 1 })
  await producer.connect()
})
afterEach(() => producer.disconnect())

async function transaction(end: 'commit' | 'abort' | 'open', values: readonly string[], partition = 0) {
  const open = await producer.transaction()
  await open.send({ topic, messages: values.map((value) => ({ key: 'k', value, partition, headers: { h: '1' } })) })
  if (end !== 'open') await open[end]()
  return open
}

it('reads committed records in order, without aborted records and markers', async () => {
  await transaction('commit', ['{"n":1}', '2'])
  await transaction('abort', ['3'])
  await transaction('commit', ['4'])
  await transaction('commit', ['5'], 1)
  const records = await readTopic(brokers, topic)
  expect(textsOf(records.filter((record) => record.partition === 0))).toEqual(['{"n":1}', '2', '4'])
  expect(textsOf(records.filter((record) => record.partition === 1))).toEqual(['5'])
  expect(records.find((record) => record.text === '{"n":1}')).toMatchObject({
    ...{ partition: 0, offset: 0n, key: 'k', value: { n: 1 }, headers: { h: '1' } },
  })
})

it('waits for an open transaction until its deadline', async () => {
  const open = await transaction('open', ['1'])
  await expect(readTopic(brokers, topic, 500)).rejects.toThrow(/0 records within 500 ms/)
  const reading = readTopic(brokers, topic)
  await open.commit()
  expect(textsOf(await reading)).toEqual(['1'])
})

it('reads new records when it starts at the end of a topic', async () => {
  await transaction('commit', ['before'])
  const reader = await openTopic({ kafka: { brokers: [brokers] }, topic, from: 'end' })
  try {
    expect(await reader.poll()).toEqual([])
    expect(reader.isPastStart()).toBe(true)
    await transaction('commit', ['after'])
    let records: readonly TopicRecord[] = []
    while (records.length === 0) records = await reader.poll()
    expect(textsOf(records)).toEqual(['after'])
  } finally {
    await reader.close()
  }
})

it('rejects when the topic does not exist', async () => {
  await expect(readTopic(brokers, `${topic}-not`)).rejects.toThrow()
})
