import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import type { EventPublisher, OutgoingRecord, PublisherSession } from '../../connector/publish/event-publisher.ts'
import { kafkaDefaults } from '../../connector/publish/kafka-config.ts'
import { kafkaEventPublisher } from '../../connector/publish/kafka-event-publisher.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import { type CloseStack, closeStack } from '../../connector/runtime/close-stack.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import { committedRecords } from '../support/committed-records.ts'
import { fakeKafka } from '../support/fake-event-publisher.ts'

/** One stream on a cluster of its own kind, with as many publishers (replicas) as a test wants. */
interface Cluster {
  replica(delivery?: 'exactly-once' | 'at-least-once'): EventPublisher
  committed(to: OutgoingRecord['to']): Promise<{ key: string | null; value: string; partition: number }[]>
}

const never = new AbortController().signal

function fakeCluster(): Cluster {
  let replicas = 0
  const kafka = fakeKafka({ partitions: 4, clock: systemClock, maxMessageBytes: 100_000 })
  return {
    replica: (delivery = 'exactly-once') =>
      kafka.publisher({ connector: 'c', stream: 's', replica: `r${++replicas}`, delivery }),
    committed: async (to) => kafka.committed.filter((record) => record.to === to),
  }
}

function realCluster(closing: CloseStack): Cluster {
  const brokers = inject('kafkaBrokers')
  const stream = randomUUID()
  const topic = {
    events: stream,
    deadLetters: `${stream}.dlq`,
    create: { ...kafkaDefaults.create, partitions: 4 },
  }
  return {
    replica: (delivery = 'exactly-once') => {
      const config = { ...kafkaDefaults, brokers: brokers.split(','), topic, delivery, maxMessageBytes: 100_000 }
      const parts = { connector: 'test', stream, clock: systemClock, log: () => undefined }
      return closing.use(kafkaEventPublisher(config, parts), (publisher) => publisher.close())
    },
    committed: (to) => committedRecords(brokers, topic[to]),
  }
}

const event = (key: string, value: string): OutgoingRecord => ({ to: 'events', key, value })

async function commit(session: PublisherSession, records: readonly OutgoingRecord[], seq: number) {
  await using transaction = session.begin(never)
  await transaction.send(records)
  const note = { epoch: 1, seq, nonce: `nonce-${seq}` }
  await transaction.commit(note)
  return note
}

const noteOf = async (session: PublisherSession) => (await session.readNote(never)).note

const codeOfRejection = (promise: Promise<unknown>) => promise.then(() => 'resolved', codeOf)

describe.each([
  { name: 'the fake', make: fakeCluster },
  { name: 'Apache Kafka', make: realCluster },
])('EventPublisher on $name', ({ make }) => {
  let closing = closeStack()
  let cluster: Cluster
  beforeAll(async () => {
    const warmUp = closeStack()
    await (await make(warmUp).replica().open(never)).readNote(never) // waits until a brand-new broker has its place for notes
    await warmUp.close()
  })
  beforeEach(() => {
    closing = closeStack()
    cluster = make(closing)
  })
  afterEach(() => closing.close())

  it('makes events, dead letters and the note visible together when the transaction ends', async () => {
    const session = await cluster.replica().open(never)
    expect(await noteOf(session)).toBeUndefined()

    const dead = { to: 'deadLetters', key: null, value: '{"code":"no-id"}' } as const
    const note = await commit(session, [event('1', '"a"'), event('2', '"b"'), dead], 7)

    expect((await cluster.committed('events')).map(({ value }) => value).sort()).toEqual(['"a"', '"b"'])
    expect((await cluster.committed('deadLetters')).map(({ key, value }) => ({ key, value }))).toEqual([
      { key: null, value: '{"code":"no-id"}' },
    ])
    const successor = await cluster.replica().open(never)
    expect(await noteOf(successor)).toEqual(note)
  })

  it('shows nothing of a transaction that is disposed without commit, and ends its session', async () => {
    const publisher = cluster.replica()
    const session = await publisher.open(never)
    {
      await using transaction = session.begin(never)
      await transaction.send([event('1', '"lost"')])
    }
    expect(() => session.begin(never)).toThrow()

    const next = await publisher.open(never)
    expect(await noteOf(next)).toBeUndefined()
    await commit(next, [event('1', '"kept"')], 1)
    expect((await cluster.committed('events')).map(({ value }) => value)).toEqual(['"kept"'])
  })

  it('goes on with the session when a transaction was begun and disposed before anything was sent', async () => {
    const session = await cluster.replica().open(never)
    {
      await using _unused = session.begin(never)
    }
    await commit(session, [event('1', '"a"')], 1)
    expect(await cluster.committed('events')).toHaveLength(1)
  })

  it('keeps the order of each key over many transactions', async () => {
    const session = await cluster.replica().open(never)
    for (let seq = 1; seq <= 5; seq++) {
      const records = Array.from({ length: 40 }, (_, index) => event(`${index % 8}`, `${seq * 1000 + index}`))
      await commit(session, records, seq)
    }
    const seen = await cluster.committed('events')
    expect(seen).toHaveLength(200)
    for (let key = 0; key < 8; key++) {
      const values = seen.filter((record) => record.key === `${key}`).map(({ value }) => Number(value))
      expect(values).toHaveLength(25)
      expect(values).toEqual(values.toSorted((a, b) => a - b))
    }
  })

  it('puts keys in the partitions that the Java client chooses', async () => {
    const session = await cluster.replica().open(never)
    await commit(
      session,
      ['21', 'abc', '100000123', 'élodie-ß', '顧客-7'].map((key) => event(key, '1')),
      1,
    )
    const partitionOf = Object.fromEntries(
      (await cluster.committed('events')).map(({ key, partition }) => [key, partition]),
    )
    expect(partitionOf).toEqual({ '21': 0, abc: 3, '100000123': 0, 'élodie-ß': 0, '顧客-7': 3 })
  })

  it('fences a session that another one has replaced, at send', async () => {
    const old = await cluster.replica().open(never)
    await cluster.replica().open(never)
    expect(await codeOfRejection(commit(old, [event('1', '1')], 1))).toBe('publish.fenced')
  })

  it('fences a session in the middle of its transaction, which then shows nothing', async () => {
    const old = await cluster.replica().open(never)
    await using transaction = old.begin(never)
    await transaction.send([event('1', '"zombie"')])

    const successor = await cluster.replica().open(never)
    expect(await codeOfRejection(transaction.commit({ epoch: 1, seq: 1, nonce: 'zombie' }))).toBe('publish.fenced')

    expect(await noteOf(successor)).toBeUndefined()
    await commit(successor, [event('1', '"new"')], 1)
    expect((await cluster.committed('events')).map(({ value }) => value)).toEqual(['"new"'])
  })

  it('lets no idle zombie commit, not even a note alone', async () => {
    const old = await cluster.replica().open(never)
    await commit(old, [event('1', '1')], 1)
    const successor = await cluster.replica().open(never)
    expect(await codeOfRejection(commit(old, [], 2))).toBe('publish.fenced')
    expect(await noteOf(successor)).toEqual({ epoch: 1, seq: 1, nonce: 'nonce-1' })
  })

  it('commits a note without any record, also right after another transaction', async () => {
    const session = await cluster.replica().open(never)
    await commit(session, [event('1', '1')], 1)
    const note = await commit(session, [], 2)
    expect(await noteOf(await cluster.replica().open(never))).toEqual(note)
  })

  it('refuses a record above the size limit, and shows nothing of its transaction', async () => {
    const publisher = cluster.replica()
    const session = await publisher.open(never)
    const records = [event('1', '1'), event('2', 'x'.repeat(100_001))]
    expect(await codeOfRejection(commit(session, records, 1))).toBe('publish.refused')
    await commit(await publisher.open(never), [event('3', '3')], 1)
    expect((await cluster.committed('events')).map(({ key }) => key)).toEqual(['3'])
  })

  it('publishes many times the size limit in one transaction, in order', async () => {
    const session = await cluster.replica().open(never)
    const records = Array.from({ length: 60 }, (_, index) => event('one', `${index}`.padEnd(20_000)))
    await commit(session, records, 1)
    const values = (await cluster.committed('events')).map(({ value }) => Number(value))
    expect(values).toEqual(Array.from({ length: 60 }, (_, index) => index))
  })

  it('aborts when the deadline passes before the end', async () => {
    const publisher = cluster.replica()
    const session = await publisher.open(never)
    const finish = new AbortController()
    {
      await using transaction = session.begin(finish.signal)
      await transaction.send([event('1', '"late"')])
      finish.abort(new DOMException('time is over', 'TimeoutError'))
      expect(await codeOfRejection(transaction.commit({ epoch: 1, seq: 1, nonce: 'n' }))).toBe('publish.failed')
    }
    const next = await publisher.open(never)
    expect(await noteOf(next)).toBeUndefined()
    await commit(next, [event('1', '"kept"')], 1)
    expect((await cluster.committed('events')).map(({ value }) => value)).toEqual(['"kept"'])
  })

  it('refuses a second transaction beside the first', async () => {
    const session = await cluster.replica().open(never)
    await using _first = session.begin(never)
    expect(() => session.begin(never)).toThrow()
  })

  it('rejects open with the reason of a stop that has come already', async () => {
    const reason = new Error('stopped')
    await expect(cluster.replica().open(AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  it('publishes at least once: at once, without fencing and without a note', async () => {
    const first = await cluster.replica('at-least-once').open(never)
    const second = await cluster.replica('at-least-once').open(never)
    await commit(first, [event('1', '"a"')], 1)
    await commit(second, [event('1', '"b"')], 1)
    {
      await using transaction = first.begin(never)
      await transaction.send([event('1', '"c"')])
    }
    await commit(first, [event('1', '"d"')], 2)
    expect(await noteOf(first)).toBeUndefined()
    expect((await cluster.committed('events')).map(({ value }) => value)).toEqual(['"a"', '"b"', '"c"', '"d"'])
  })

  it('shows an at-least-once session the note that an exactly-once session left', async () => {
    const before = await cluster.replica().open(never)
    await commit(before, [event('1', '"a"')], 1)
    await (await cluster.replica().open(never)).close() // makes the note final
    expect((await noteOf(await cluster.replica('at-least-once').open(never)))?.seq).toBe(1)
  })
})
