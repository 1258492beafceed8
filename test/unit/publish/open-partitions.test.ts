import { expect, it } from 'vitest'
import type { KafkaRequest, RequestTarget } from '../../../connector/publish/kafkajs/kafka-protocol.ts'
import { openPartitions } from '../../../connector/publish/open-partitions.ts'

const of = { topic: 'e', producerId: '7' }
const none = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
const long = (value: number) => [0, 0, 0, 0, 0, 0, 0, value]

/** Producer 7 as the leader of its partition describes it; the others are other people's. */
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

/** A leader of these partitions. */
function leader(partitions: number[][], maxVersion = 0): RequestTarget {
  const topic = [2, 0x65, partitions.length + 1, ...partitions.flat(), 0]
  const answer = Buffer.from([0, 0, 0, 0, 0, 2, ...topic, 0])
  const send = async <Answer>({ response }: KafkaRequest<Answer>) => response.parse(await response.decode(answer))
  return { versions: { 61: { maxVersion } }, connectionPool: { send } }
}

it('tells the partitions in which the transaction of the producer is open, of all leaders', async () => {
  const one = leader([
    partition(0, 0, [producer(7, long(12)), producer(8, none)]),
    partition(2, 0, [producer(7, none), producer(8, long(12))]),
  ])
  const other = leader([partition(1, 0, [producer(7, long(0))]), partition(3, 0, [])])
  const written = new Map([
    [one, new Set([0, 2])],
    [other, new Set([1, 3])],
  ])
  expect(await openPartitions(written, of)).toEqual([0, 1])
})

it('a partition that is led by another broker now is an error', async () => {
  const moved = leader([partition(0, 6, [])])
  const asked = openPartitions(new Map([[moved, new Set([0])]]), of)
  await expect(asked).rejects.toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION' })
})

it('a broker that is too old to tell is not asked', async () => {
  const old: RequestTarget = { versions: {}, connectionPool: { send: () => Promise.reject(new Error('was asked')) } }
  expect(await openPartitions(new Map([[old, new Set([0])]]), of)).toEqual([])
})
