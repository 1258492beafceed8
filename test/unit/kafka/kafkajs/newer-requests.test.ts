import { describe, expect, it } from 'vitest'
import {
  describeOpenTransactions,
  describeTopic,
  fetchStableOffset,
} from '../../../../connector/kafka/kafkajs/newer-requests.ts'
import type { KafkaRequest, RequestTarget } from '../../../../connector/kafka/kafkajs/protocol.ts'

const none = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
const long = (value: number) => [0, 0, 0, 0, 0, 0, 0, value]

type Versions = NonNullable<RequestTarget['versions']> | null

/** A broker that responds with these bytes after the header and the throttle time. */
function broker(versions: Versions, body: number[]): RequestTarget {
  const answer = Buffer.from([0, 0, 0, 0, 0, ...body])
  const send = async <Answer>({ response }: KafkaRequest<Answer>) => response.parse(await response.decode(answer))
  return { versions, connectionPool: { send } }
}
const silent = (versions: Versions): RequestTarget => ({
  versions,
  connectionPool: { send: () => Promise.reject(new Error('a request was sent')) },
})

describe('describeOpenTransactions', () => {
  const of = { topic: 'e', partitions: [0, 2] }
  const producer = (id: number, start: number[]) => [
    ...long(id),
    ...[0, 0, 0, 1, 0, 0, 0, 2],
    ...long(3),
    ...[0, 0, 0, 4],
    ...start,
    0,
  ]
  const partition = (number: number, code: number, producers: number[][]) => [
    ...[0, 0, 0, number, 0, code, 0],
    ...[producers.length + 1, ...producers.flat()],
    0,
  ]
  const leader = (partitions: number[][]) =>
    broker({ 61: { maxVersion: 0 } }, [2, 2, 0x65, partitions.length + 1, ...partitions.flat(), 0, 0])

  it('lists the open transactions of all producers with their first offset', async () => {
    const asked = leader([
      partition(0, 0, [producer(7, long(12)), producer(8, none)]),
      partition(2, 0, [producer(7, none), producer(8, long(3))]),
    ])
    expect(await describeOpenTransactions(asked, of)).toEqual([
      { partition: 0, producerId: '7', startOffset: '12' },
      { partition: 2, producerId: '8', startOffset: '3' },
    ])
  })

  it('rejects when another broker leads a partition now', async () => {
    const asked = describeOpenTransactions(leader([partition(0, 6, [])]), of)
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

  it('returns nothing where the group has no offset', async () => {
    const partition = [...[0, 0, 0, 0], ...none, ...[0, 0, 0, 0], 1, 0, 0, 0]
    const empty = broker({ 9: { maxVersion: 10 } }, [2, 2, 0x65, 2, ...partition, 0, 0, 0, 0])
    expect(await fetchStableOffset(empty, place)).toBeUndefined()
  })

  it.each([
    ['partition', coordinator(3, 0), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }],
    ['group', coordinator(0, 16), { type: 'NOT_COORDINATOR_FOR_GROUP' }],
  ])('rejects with any other error code of the %s', async (_level, target, error) => {
    await expect(fetchStableOffset(target, place)).rejects.toMatchObject(error)
  })
})

describe('describeTopic', () => {
  const id = Array.from({ length: 16 }, (_, byte) => 240 + byte)
  /** Partition 0 with one replica. */
  const partition = [...[0, 0], ...[0, 0, 0, 0], ...[0, 0, 0, 1], ...[0, 0, 0, 0], 2, 0, 0, 0, 1, 2, 0, 0, 0, 1, 1, 0]
  const answer = (code: number, bytes: number[], operations: number) => [
    ...[2, 0, 0, 0, 1, 2, 0x68, 0, 0, 0x23, 0x84, 0, 0], // one broker
    ...[2, 0x63, 0, 0, 0, 1], // cluster and controller
    ...[2, 0, code, 2, 0x65, ...bytes, 0, 2, ...partition, 0, 0, 0, operations, 0],
  ]
  const topic = (code: number, bytes: number[], operations = 0) =>
    broker({ 3: { maxVersion: 13 } }, answer(code, bytes, operations))

  it('returns the id as 32 hexadecimal digits, and whether this user may write', async () => {
    const described = { id: 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', isWritable: true }
    expect(await describeTopic(topic(0, id, 0b11000), 'e')).toEqual(described)
    expect((await describeTopic(topic(0, id, 0b1000), 'e')).isWritable).toBe(false)
  })

  it('describes a topic when one of its partitions has no leader', async () => {
    expect((await describeTopic(topic(5, id, 0b10000), 'e')).isWritable).toBe(true)
  })

  it('rejects when the topic does not exist', async () => {
    await expect(describeTopic(topic(3, id), 'e')).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})
