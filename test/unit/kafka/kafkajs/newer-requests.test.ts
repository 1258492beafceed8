import { describe, expect, it } from 'vitest'
import type { RequestTarget } from '../../../../connector/kafka/kafkajs/cluster.ts'
import {
  describeOpenTransactions,
  fetchMetadata,
  fetchStableOffset,
} from '../../../../connector/kafka/kafkajs/newer-requests.ts'
import { answering, metadataAnswer } from './metadata-answer.ts'

const long = (value: number) => [0, 0, 0, 0, 0, 0, 0, value]

type Versions = NonNullable<RequestTarget['versions']> | null

const broker = (versions: Versions, body: number[]) => answering(versions, () => body)
const silent = (versions: Versions): RequestTarget => ({
  versions,
  connectionPool: { send: () => Promise.reject(new Error('a request was sent')) },
})

describe('describeOpenTransactions', () => {
  const of = { topic: 'e', partitions: [0, 2] }
  const partition = (number: number, code: number) => [...[0, 0, 0, number, 0, code, 0], 1, 0]
  const leader = (partitions: number[][]) =>
    broker({ 61: { maxVersion: 0 } }, [2, 2, 0x65, partitions.length + 1, ...partitions.flat(), 0, 0])

  it('rejects when another broker leads a partition now', async () => {
    const asked = describeOpenTransactions(leader([partition(0, 6)]), of)
    await expect(asked).rejects.toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION' })
  })

  it('sends nothing and names the required version when the broker is too old', async () => {
    const asked = async () => await describeOpenTransactions(silent({ 61: { maxVersion: -1 } }), of)
    const message = expect.stringContaining('upgrade Kafka to 2.8 or newer')
    await expect(asked()).rejects.toMatchObject({ code: 'publish.refused', message })
  })
})

describe('fetchStableOffset', () => {
  const place = { group: 'shop.north', topic: 'events' }
  const coordinator = (ofPartition: number, ofAll: number) => {
    const partition = [...[0, 0, 0, 0], ...long(9), ...[0, 0, 0, 1], 2, 0x6d, 0, ofPartition, 0]
    return broker({ 9: { maxVersion: 10 } }, [2, 2, 0x65, 2, ...partition, 0, 0, ofAll, 0])
  }

  it('returns the offset with its metadata, and recognizes one without a marker by the error code', async () => {
    expect(await fetchStableOffset(coordinator(0, 0), place)).toMatchObject({ offset: '9', metadata: 'm' })
    expect(await fetchStableOffset(coordinator(88, 0), place)).toBe('unstable')
  })

  it.each([
    ['partition', coordinator(3, 0), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }],
    ['group', coordinator(0, 16), { type: 'NOT_COORDINATOR_FOR_GROUP' }],
  ])('rejects with any other error code of the %s', async (_level, target, error) => {
    await expect(fetchStableOffset(target, place)).rejects.toMatchObject(error)
  })
})

describe('fetchMetadata', () => {
  const id = Array.from({ length: 16 }, (_, byte) => 240 + byte)
  const of = (topic?: Parameters<typeof metadataAnswer>[0]) => broker({ 3: { maxVersion: 13 } }, metadataAnswer(topic))

  it('returns the id as 32 hexadecimal digits, the partitions, and whether this user may write', async () => {
    const { topic } = await fetchMetadata(of({ topic: 'e', id, operations: 0b11000 }), 'e')
    expect(topic).toEqual({ topic: 'e', topicId: 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', partitions: 2, isWritable: true })
    expect((await fetchMetadata(of({ topic: 'e', operations: 0b1000 }), 'e')).topic?.isWritable).toBe(false)
  })

  it('describes a topic when one of its partitions has no leader', async () => {
    expect((await fetchMetadata(of({ topic: 'e', code: 5 }), 'e')).topic?.partitions).toBe(2)
  })

  it('returns no topic when it does not exist, and rejects with any other error', async () => {
    expect((await fetchMetadata(of({ topic: 'e', code: 3 }), 'e')).topic).toBeUndefined()
    const rejected = fetchMetadata(of({ topic: 'e', code: 29 }), 'e')
    await expect(rejected).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' })
  })
})
