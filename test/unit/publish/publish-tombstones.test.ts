import { describe, expect, test } from 'vitest'
import { tombstones } from '../../../connector/event/cloud-event/event-form.ts'
import type { Destination } from '../../../connector/publish/event-publisher.ts'
import {
  publishTombstones,
  type StreamTopic,
  tombstonePartitions,
} from '../../../connector/publish/publish-tombstones.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { driven } from '../../support/driven.ts'
import { fakeKafka } from '../../support/fakes/fake-event-publisher.ts'
import type { FakeFault, FaultHook } from '../../support/fakes/fake-kafka-cluster.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { sentEvent } from '../../support/records.ts'
import { never } from '../../support/signals.ts'

// Tombstones are published to a fake cluster, in which something may be open or fenced.

const of = { connector: 'shop', stream: 'clients' }
const existing = { hasPublished: false, clusterId: null } as const
const record = { epoch: 1, seq: 1, nonce: 'n', nextEvent: 1 }
const erasure = { type: 'client.erased', source: '/polaris/shop/clients', clientId: 'c', id: 'e', timeMs: 0 } as const

/** A topic of three partitions with one event of a client. `fault`: of what the command does. */
async function stage(fault: (operation: Parameters<FaultHook>[0]) => ReturnType<FaultHook> = () => 'none') {
  const clock = virtualClock(0)
  const hook: FaultHook = (operation, _stream, replica) => (replica === 'operator' ? fault(operation) : 'none')
  const kafka = fakeKafka({ partitions: 3, clock, fault: hook })
  const open = () => kafka.publisher({ ...of, replica: 'replica' }).open(existing, never)
  const publish = async () => {
    const producer = await open()
    await using transaction = producer.begin(never)
    await transaction.send([sentEvent('c', '{}')])
    await transaction.commit(record)
    return producer
  }
  const publisher = kafka.publisher({ ...of, replica: 'operator' })
  const made = ({ partitions }: Destination) => tombstones(erasure, [...Array(partitions).keys()])
  const erase = () => driven(clock, publishTombstones({ publisher, clock, tombstones: made }, never))
  const erased = () => kafka.committed.filter(({ value }) => value === null)
  return { clock, kafka, open, publish, erase, erased }
}

const codeFrom = (work: Promise<unknown>) => work.then(() => 'done', codeOf)

describe('the tombstone of a client', () => {
  const topic: Destination = { clusterId: null, topic: 'events', topicId: 'topic 1', partitions: 4 }
  const partitionsFor = (begun: StreamTopic | undefined, seen: readonly number[] = []) =>
    tombstonePartitions(topic, begun, { ofKey: 2, seen })

  test('goes to the partition of its key, and where a record of it was seen, while the topic is as the stream began in it', () => {
    const begun = { topicId: 'topic 1', firstPartitions: 4 }
    expect(partitionsFor(begun)).toEqual([2])
    expect(partitionsFor(begun, [2, 0])).toEqual([2, 0])
  })

  test.each([
    ['the topic has more partitions', { topicId: 'topic 1', firstPartitions: 3 }],
    ['the stream began in a topic with records', { topicId: 'topic 1', firstPartitions: null }],
    ['the topic was created again', { topicId: 'topic 0', firstPartitions: 4 }],
    ['its document cannot be read', undefined],
  ])('goes to every partition when %s', (_when, begun) => {
    expect(partitionsFor(begun, [3])).toEqual([0, 1, 2, 3])
  })
})

describe('tombstones', () => {
  test('go to the topic after the events, with the commit record as it was', async () => {
    const { kafka, publish, erase, erased } = await stage()
    await publish()
    expect(await erase()).toBe(3)
    expect(erased().map(({ partition, key }) => [partition, key])).toEqual([
      [0, 'c'],
      [1, 'c'],
      [2, 'c'],
    ])
    expect(kafka.record('shop', 'clients')).toEqual(record)
  })

  test('fence the running replica, whose transaction is aborted', async () => {
    const { kafka, publish, erase } = await stage()
    const producer = await publish()
    const transaction = producer.begin(never)
    await transaction.send([sentEvent('c', '{"new":1}')])
    expect(await erase()).toBe(3)
    expect(await codeFrom(transaction.commit({ ...record, seq: 2 }))).toBe('publish.fenced')
    expect(kafka.committed.map(({ value }) => value)).toEqual(['{}', null, null, null])
  })

  test('are not sent while the last transaction of the stream has no marker', async () => {
    const { kafka, publish, erase, erased } = await stage()
    kafka.loseNextMarker('shop', 'clients')
    expect(await codeFrom(publish())).toBe('publish.outcome-unknown')
    await expect(erase()).rejects.toMatchObject({
      code: 'publish.failed',
      message: expect.stringMatching('pause and resume'),
    })
    expect(erased()).toEqual([])
    expect(kafka.hanging()).toHaveLength(1)
  })

  test('are not sent to a topic to which nothing was ever written, and would hold a new stream', async () => {
    const { kafka, erase } = await stage()
    expect(await erase()).toBe(0)
    expect(kafka.committed).toEqual([])
  })

  test('are published again when a replica has opened the stream before the last look', async () => {
    const fencing = { left: 1 }
    const { open, publish, erase, erased } = await stage(async (operation): Promise<FakeFault> => {
      if (operation === 'last look' && fencing.left-- > 0) await open()
      return 'none'
    })
    await publish()
    expect(await erase()).toBe(3)
    expect(erased()).toHaveLength(6)
  })

  test('are given up after a minute in which they were fenced each time', async () => {
    const { clock, open, publish, erase } = await stage(async (operation): Promise<FakeFault> => {
      if (operation === 'send') await open()
      return 'none'
    })
    await publish()
    expect(await codeFrom(erase())).toBe('publish.fenced')
    expect(clock.monotonic()).toBeGreaterThanOrEqual(60_000)
    expect(clock.monotonic()).toBeLessThan(62_000)
  })

  test.each(['open', 'state', 'send', 'commit', 'last look'] as const)(
    'are not published again by themselves when %s fails',
    async (failing) => {
      const operations: string[] = []
      const { publish, erase } = await stage((operation) => {
        operations.push(operation)
        return operation === failing ? 'before' : 'none'
      })
      await publish()
      expect(await codeFrom(erase())).toBe('publish.failed')
      expect(operations.filter((operation) => operation === 'open')).toHaveLength(1)
    },
  )
})
