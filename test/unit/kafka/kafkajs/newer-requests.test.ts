import { describe, expect, test } from 'vitest'
import {
  describeOpenTransactions,
  fetchMetadata,
  fetchStableOffset,
} from '../../../../connector/kafka/kafkajs/newer-requests.ts'
import type { RequestTarget } from '../../../../connector/kafka/kafkajs/requests.ts'
import { answering, metadataAnswer } from './metadata-answer.ts'

// Brokers answer with bytes that the test writes.

const long = (value: number) => [0, 0, 0, 0, 0, 0, 0, value]

type Versions = NonNullable<RequestTarget['versions']> | null

const broker = (versions: Versions, body: number[]) => answering(versions, () => body)
const silent = (versions: Versions): RequestTarget => ({
  versions,
  connectionPool: { send: () => Promise.reject(new Error('a request was sent')) },
})

describe('describeOpenTransactions', () => {
  const of = { topic: 'e', partitions: [0, 2] }
  const partition = (number: number, code: number) => [0, 0, 0, number, 0, code, 0, 1, 0]
  const leader = (partitions: number[][]) =>
    broker({ 61: { maxVersion: 0 } }, [2, 2, 0x65, partitions.length + 1, ...partitions.flat(), 0, 0])

  test.each([
    ['another broker leads a partition now', 6, 'NOT_LEADER_FOR_PARTITION'],
    ['the leader has not learned of a new topic yet', 3, 'LEADER_NOT_AVAILABLE'],
  ])('rejects with a transient error when %s', async (_case, code, type) => {
    const asked = describeOpenTransactions(leader([partition(0, code)]), of)
    await expect(asked).rejects.toMatchObject({ type })
  })

  test('sends nothing and names the required version when the broker is too old', async () => {
    const asked = async () => await describeOpenTransactions(silent({ 61: { maxVersion: -1 } }), of)
    const message = expect.stringContaining('upgrade Kafka to 2.8 or newer')
    await expect(asked()).rejects.toMatchObject({ code: 'publish.refused', message })
  })
})

describe('fetchStableOffset', () => {
  const place = { group: 'shop.north', topic: 'events' }
  const coordinator = (ofPartition: number, ofAll: number) => {
    const partition = [0, 0, 0, 0, ...long(9), 0, 0, 0, 1, 2, 0x6d, 0, ofPartition, 0]
    return broker({ 9: { maxVersion: 10 } }, [2, 2, 0x65, 2, ...partition, 0, 0, ofAll, 0])
  }

  test.each([
    ['partition', coordinator(3, 0), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }],
    ['group', coordinator(0, 16), { type: 'NOT_COORDINATOR_FOR_GROUP' }],
  ])('rejects with any other error code of the %s', async (_level, target, error) => {
    await expect(fetchStableOffset(target, place)).rejects.toMatchObject(error)
  })
})

test('describes a topic when one of its partitions has no leader', async () => {
  const { topic } = await fetchMetadata(broker({ 3: { maxVersion: 13 } }, metadataAnswer('e', 5)), 'e')
  expect(topic?.partitions).toBe(2)
})
