import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type EventPublisher, optionsWithoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { type CloseStack, closeStack } from '../../../connector/runtime/close-stack.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { committedRecords } from '../../support/committed-records.ts'
import { fakeKafka } from '../../support/fakes/fake-event-publisher.ts'
import { sentEvent, sentTo, type TextRecord } from '../../support/records.ts'
import { never } from '../../support/signals.ts'
import { commit, creationOf, recordIn, streamConfig, streamPublisher } from '../../support/stream-publisher.ts'

/** One stream on a fake or real cluster, with as many publishers (replicas) as a test needs. */
interface Cluster {
  replica(): EventPublisher
  committed(to: TextRecord['target']): Promise<readonly Committed[]>
}

interface Committed extends Omit<TextRecord, 'target'> {
  readonly partition: number
}

const fresh = optionsWithoutCheckpoint

function fakeCluster(): Cluster {
  let replicas = 0
  const kafka = fakeKafka({ partitions: 4, clock: systemClock, maxMessageBytes: 100_000 })
  return {
    replica: () => kafka.publisher({ connector: 'c', stream: 's', replica: `r${++replicas}` }),
    committed: async (to) => kafka.committed.filter((record) => record.target === to),
  }
}

function realCluster(closing: CloseStack): Cluster {
  const brokers = inject('kafkaBrokers')
  const config = streamConfig(brokers, randomUUID())
  const topic = { ...config.topic, create: creationOf(4) }
  return {
    replica: () => streamPublisher(closing, { ...config, topic, maxMessageBytes: 100_000 }),
    committed: (to) => committedRecords(brokers, topic[to]),
  }
}

const event = sentEvent

const codeOfRejection = (promise: Promise<unknown>) => promise.then(() => 'resolved', codeOf)

describe.each([
  { name: 'the fake', make: fakeCluster },
  { name: 'Apache Kafka', make: realCluster },
])('EventPublisher on $name', ({ make }) => {
  const closing = closingAfterEach()
  let cluster: Cluster
  beforeAll(async () => {
    const warmUp = closeStack()
    // Waits until a new broker has created __consumer_offsets.
    await recordIn(await make(warmUp).replica().open(fresh, never))
    await warmUp.close()
  })
  beforeEach(() => {
    cluster = make(closing)
  })

  test('makes events, dead letters and the commit record visible together when the transaction commits', async () => {
    const producer = await cluster.replica().open(fresh, never)
    expect(await recordIn(producer)).toBeUndefined()

    const dead = sentTo('deadLetters', null, '{"code":"no-id"}')
    const record = await commit(producer, [event('1', '"a"'), event('2', '"b"'), dead], 7)

    expect((await cluster.committed('events')).map(({ value }) => value).sort()).toEqual(['"a"', '"b"'])
    expect((await cluster.committed('deadLetters')).map(({ key, value }) => ({ key, value }))).toEqual([
      { key: null, value: '{"code":"no-id"}' },
    ])
    const successor = await cluster.replica().open(fresh, never)
    expect(await recordIn(successor)).toEqual(record)
  })

  test('shows nothing and closes the producer when a transaction is disposed without a commit', async () => {
    const publisher = cluster.replica()
    const producer = await publisher.open(fresh, never)
    {
      await using transaction = producer.begin(never)
      await transaction.send([event('1', '"lost"')])
    }
    expect(() => producer.begin(never)).toThrow()

    const next = await publisher.open(fresh, never)
    expect(await recordIn(next)).toBeUndefined()
    await commit(next, [event('1', '"kept"')], 1)
    expect((await cluster.committed('events')).map(({ value }) => value)).toEqual(['"kept"'])
  })

  test('keeps the producer usable when a transaction is disposed before anything is sent', async () => {
    const producer = await cluster.replica().open(fresh, never)
    {
      await using _unused = producer.begin(never)
    }
    await commit(producer, [event('1', '"a"')], 1)
    expect(await cluster.committed('events')).toHaveLength(1)
  })

  test('keeps the order of each key across many transactions', async () => {
    const producer = await cluster.replica().open(fresh, never)
    for (let seq = 1; seq <= 5; seq++) {
      const records = Array.from({ length: 40 }, (_, index) => event(`${index % 8}`, `${seq * 1000 + index}`))
      await commit(producer, records, seq)
    }
    const seen = await cluster.committed('events')
    expect(seen).toHaveLength(200)
    for (let key = 0; key < 8; key++) {
      const values = seen.filter((record) => record.key === `${key}`).map(({ value }) => Number(value))
      expect(values).toHaveLength(25)
      expect(values).toEqual(values.toSorted((a, b) => a - b))
    }
  })

  test('rejects a commit as fenced and shows nothing when another producer opens during the transaction', async () => {
    const old = await cluster.replica().open(fresh, never)
    await using transaction = old.begin(never)
    await transaction.send([event('1', '"zombie"')])

    const successor = await cluster.replica().open(fresh, never)
    expect(await codeOfRejection(transaction.commit({ epoch: 1, seq: 1, nonce: 'zombie', nextEvent: 0 }))).toBe(
      'publish.fenced',
    )

    expect(await recordIn(successor)).toBeUndefined()
    await commit(successor, [event('1', '"new"')], 1)
    expect((await cluster.committed('events')).map(({ value }) => value)).toEqual(['"new"'])
  })

  test('rejects a commit without events as fenced when another producer has been opened', async () => {
    const old = await cluster.replica().open(fresh, never)
    await commit(old, [event('1', '1')], 1)
    const successor = await cluster.replica().open(fresh, never)
    expect(await codeOfRejection(commit(old, [], 2))).toBe('publish.fenced')
    expect(await recordIn(successor)).toEqual({ epoch: 1, seq: 1, nonce: 'nonce-1', nextEvent: 0 })
  })

  test('commits a commit record without events right after another transaction', async () => {
    const producer = await cluster.replica().open(fresh, never)
    await commit(producer, [event('1', '1')], 1)
    const record = await commit(producer, [], 2)
    expect(await recordIn(await cluster.replica().open(fresh, never))).toEqual(record)
  })

  test('rejects a record above the size limit and shows nothing of its transaction', async () => {
    const publisher = cluster.replica()
    const producer = await publisher.open(fresh, never)
    const records = [event('1', '1'), event('2', 'x'.repeat(100_001))]
    expect(await codeOfRejection(commit(producer, records, 1))).toBe('publish.refused')
    await commit(await publisher.open(fresh, never), [event('3', '3')], 1)
    expect((await cluster.committed('events')).map(({ key }) => key)).toEqual(['3'])
  })

  test('publishes many times the size limit in one transaction and in order', async () => {
    const producer = await cluster.replica().open(fresh, never)
    const records = Array.from({ length: 60 }, (_, index) => event('one', `${index}`.padEnd(20_000)))
    await commit(producer, records, 1)
    const values = (await cluster.committed('events')).map(({ value }) => Number(value))
    expect(values).toEqual(Array.from({ length: 60 }, (_, index) => index))
  })

  test('aborts when the deadline passes before the commit', async () => {
    const publisher = cluster.replica()
    const producer = await publisher.open(fresh, never)
    const finish = new AbortController()
    {
      await using transaction = producer.begin(finish.signal)
      await transaction.send([event('1', '"late"')])
      finish.abort(new DOMException('time limit', 'TimeoutError'))
      expect(await codeOfRejection(transaction.commit({ epoch: 1, seq: 1, nonce: 'n', nextEvent: 0 }))).toBe(
        'publish.failed',
      )
    }
    const next = await publisher.open(fresh, never)
    expect(await recordIn(next)).toBeUndefined()
    await commit(next, [event('1', '"kept"')], 1)
    expect((await cluster.committed('events')).map(({ value }) => value)).toEqual(['"kept"'])
  })
})
