import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { committedRecords, portsOf, topicLog } from '../chaos/topic-log.ts'
import { testKafka } from '../support/committed-records.ts'
import { createTopics } from '../support/create-topics.ts'

it('reads all batches with their producers, and the committed records up to the first open transaction', async () => {
  const topic = `log-${randomUUID()}`
  const kafka = testKafka(inject('kafkaBrokers'))
  const admin = kafka.admin()
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
  onTestFinished(async () => void (await Promise.all([admin.disconnect(), producer.disconnect()])))
  await Promise.all([admin.connect(), producer.connect()])
  await createTopics(admin, [{ topic, numPartitions: 2 }])
  const send = async (value: string) => {
    const transaction = await producer.transaction()
    const headers = { kind: 'any' }
    await transaction.send({
      topic,
      messages: [{ key: 'é', value, headers, partition: 0, timestamp: '1700000000123' }],
    })
    return transaction
  }
  await (await send('first')).commit()
  await (await send('aborted')).abort()
  const log = topicLog({ ports: portsOf(inject('kafkaBrokers')), topics: [topic, 'unknown'] })
  await log.readOn()
  await (await send('second')).commit()
  const open = await send('open')
  await log.readOn()

  const [written] = log.partitions
  if (written === undefined) throw new Error('no partition')
  expect(written.batches.map(({ marker }) => marker)).toEqual([
    undefined,
    'commit',
    undefined,
    'abort',
    undefined,
    'commit',
  ])
  expect(new Set(written.batches.map(({ producerId }) => producerId)).size).toBe(1)
  const committed = committedRecords(written).map(
    ({ key, value, timestamp, offset }) => `${key} ${value} ${timestamp} ${offset}`,
  )
  expect(committed).toEqual(['é first 1700000000123 0', 'é second 1700000000123 4'])
  expect(log.partitions.map(({ topic, partition, isAtEnd }) => ({ topic, partition, isAtEnd }))).toEqual([
    { topic, partition: 0, isAtEnd: false },
    { topic, partition: 1, isAtEnd: true },
  ])
  await open.commit()
  const isAtEnd = async () => {
    await log.readOn()
    return written.isAtEnd
  }
  await expect.poll(isAtEnd).toBe(true)
  expect(committedRecords(written)).toHaveLength(3)
})
