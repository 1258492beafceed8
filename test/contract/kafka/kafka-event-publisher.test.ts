import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Admin } from 'kafkajs'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { KafkaConfig } from '../../../connector/kafka/kafka-config.ts'
import { kafkaTimes } from '../../../connector/kafka/kafka-times.ts'
import {
  type EventPublisher,
  optionsWithoutCheckpoint,
  type StreamProducer,
} from '../../../connector/publish/event-publisher.ts'
import { type Clock, systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError, isTransient } from '../../../connector/runtime/connector-error.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { committedRecords, testKafka } from '../../support/committed-records.ts'
import { createTopics } from '../../support/create-topics.ts'
import { type Acl, allow } from '../../support/documentation/kafka-acls.ts'
import { sentEvent, sentTo } from '../../support/records.ts'
import { type KafkaCluster, type SecureListeners, startKafka } from '../../support/servers/kafka-broker.ts'
import { holdsRequest } from '../../support/servers/kafka-wire.ts'
import type { TcpProxy } from '../../support/servers/tcp-proxy.ts'
import { never } from '../../support/signals.ts'
import { commit, recordIn, streamConfig, streamPublisher } from '../../support/stream-publisher.ts'

// The adapter publishes to a real broker behind a proxy that loses answers, and behind TLS, logins and ACLs.

Object.assign(kafkaTimes, { closeMs: 300 })
Object.assign(kafkaTimes.patience.stream, { retries: 10 })

const closing = closingAfterAll()
const fresh = optionsWithoutCheckpoint
let kafka: KafkaCluster
let admin: Admin

beforeAll(async () => {
  kafka = closing.use(await startKafka({ secure: true, proxied: true }), (cluster) => cluster.close())
  admin = closing.use(testKafka(kafka.bootstrap).admin(), (client) => client.disconnect())
  await admin.connect()
})

interface Stream {
  readonly topic: string
  readonly open: (settings?: Partial<KafkaConfig>, clock?: Clock) => Promise<StreamProducer>
  readonly publisher: (settings?: Partial<KafkaConfig>, clock?: Clock) => EventPublisher
}

/** A new stream with its own topics; `settings` override the defaults. */
function newStream(brokers: string): Stream {
  const topic = randomUUID()
  const publisher = (settings: Partial<KafkaConfig> = {}, clock?: Clock) =>
    streamPublisher(closing, { ...streamConfig(brokers, topic), ...settings }, clock)
  return { topic, publisher, open: (settings, clock) => publisher(settings, clock).open(fresh, never) }
}

const event = sentEvent
const valuesOf = async (topic: string) => (await committedRecords(kafka.bootstrap, topic)).map(({ value }) => value)

async function rejectionOf(promise: Promise<unknown>): Promise<ConnectorError> {
  const error: unknown = await promise.then(
    () => new Error('it resolved'),
    (reason) => reason,
  )
  if (error instanceof ConnectorError) return error
  throw error
}

describe('lost responses', () => {
  let proxy: TcpProxy
  let stream: Stream
  let producer: StreamProducer
  beforeAll(() => {
    const [only] = kafka.proxies
    if (only === undefined) throw new Error('no proxy')
    proxy = only
  })
  const begin = async () => {
    stream = newStream(kafka.proxiedBootstrap)
    producer = await stream.open()
    await recordIn(producer) // waits until a new broker has created __consumer_offsets
    await commit(producer, [event('1', '"first"')], 1)
  }
  const seqNow = async () => (await recordIn(await stream.open()))?.seq

  test('reports an unknown outcome when the response to a commit is lost, and stores the commit record', async () => {
    await begin()
    const dropped = proxy.dropAnswers(1, holdsRequest('endTxn'))
    expect((await rejectionOf(commit(producer, [event('1', '"second"')], 2))).code).toBe('publish.outcome-unknown')
    await dropped
    expect(await seqNow()).toBe(2)
    expect(await valuesOf(stream.topic)).toEqual(['"first"', '"second"'])
  })

  test('sends again without duplicates when the response to a send is lost', async () => {
    await begin()
    const dropped = proxy.dropAnswers(1, holdsRequest('produce'))
    await commit(producer, [event('1', '"second"')], 2)
    await dropped
    expect(await seqNow()).toBe(2)
    expect(await valuesOf(stream.topic)).toEqual(['"first"', '"second"'])
  })

  test.each(['addOffsetsToTxn', 'txnOffsetCommit'] as const)(
    'aborts and shows neither events nor commit record when the response to %s is lost',
    async (request) => {
      await begin()
      const dropped = proxy.dropAnswers(1, holdsRequest(request))
      const error = await rejectionOf(commit(producer, [event('1', '"second"')], 2))
      await dropped
      expect(isTransient(error) && error.code !== 'publish.outcome-unknown').toBe(true)
      expect(await seqNow()).toBe(1)
      expect(await valuesOf(stream.topic)).toEqual(['"first"'])
    },
  )

  test('aborts when the broker becomes unreachable before the commit', async () => {
    await begin()
    {
      await using transaction = producer.begin(never)
      await transaction.send([event('1', '"second"')])
      await proxy.down()
      const error = await rejectionOf(transaction.commit({ epoch: 1, seq: 2, nonce: 'n', nextEvent: 0 }))
      expect(isTransient(error) && error.code !== 'publish.outcome-unknown').toBe(true)
    }
    await proxy.up()
    expect(await seqNow()).toBe(1)
    expect(await valuesOf(stream.topic)).toEqual(['"first"'])
  })

  test('opens at the second attempt when the response to the first is lost', async () => {
    await begin()
    const dropped = proxy.dropAnswers(1, holdsRequest('initProducerId'))
    const again = stream.publisher()
    const first = await rejectionOf(again.open(fresh, never))
    await dropped
    expect(first.code).toBe('publish.failed')
    expect(await recordIn(await again.open(fresh, never))).toEqual({
      epoch: 1,
      seq: 1,
      nonce: 'nonce-1',
      nextEvent: 0,
    })
  })

  test('gives up a send at the deadline, closes in bounded time, and shows nothing of the transaction', async () => {
    await begin()
    const finish = new AbortController()
    proxy.pause()
    const started = performance.now()
    {
      await using transaction = producer.begin(finish.signal)
      const sending = rejectionOf(transaction.send([event('1', '"second"')]))
      finish.abort(new DOMException('time limit', 'TimeoutError'))
      expect((await sending).code).toBe('publish.failed')
    }
    await producer.close()
    expect(performance.now() - started).toBeLessThan(15_000)
    proxy.resume()
    expect(await seqNow()).toBe(1)
    expect(await valuesOf(stream.topic)).toEqual(['"first"'])
  })

  test('stops opening as soon as `stop` aborts', async () => {
    await begin()
    proxy.pause()
    const stop = new AbortController()
    const opening = stream.publisher().open(fresh, stop.signal)
    const reason = new Error('stopped')
    stop.abort(reason)
    await expect(opening).rejects.toBe(reason)
    proxy.resume()
  })
})

describe('topics', () => {
  test('creates missing topics with their settings while other replicas do the same', async () => {
    const stream = newStream(kafka.bootstrap)
    const producers = await Promise.allSettled([stream.open(), stream.open(), stream.open()])
    expect(producers.some(({ status }) => status === 'fulfilled')).toBe(true)
    const type = 2 // a topic
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [stream.topic, `${stream.topic}.dlq`].map((name) => ({ type, name })),
    })
    const setting = (index: number, name: string) =>
      resources[index]?.configEntries.find(({ configName }) => configName === name)?.configValue
    expect(setting(0, 'cleanup.policy')).toBe('compact')
    expect(setting(0, 'min.compaction.lag.ms')).toBe('604800000')
    expect(setting(1, 'cleanup.policy')).toBe('delete')
    expect(setting(1, 'retention.ms')).toBe('2592000000')
  })

  test('keeps the partitions of an existing topic, returns cluster id and topic id, and notices while it is open that the topic was replaced', async () => {
    const stream = newStream(kafka.bootstrap)
    await createTopics(admin, [{ topic: stream.topic, numPartitions: 3 }])
    const destination = async () => {
      const producer = await stream.open()
      return (await producer.readKafkaState({ formerProducerId: null }, never)).destination
    }
    const { clusterId } = await admin.describeCluster()
    const topicId = expect.stringMatching(/^[0-9a-f]{32}$/)
    const running = await stream.open()
    onTestFinished(() => void Object.assign(kafkaTimes, { topicEveryMs: 300_000 }))
    Object.assign(kafkaTimes, { topicEveryMs: 0 })
    await running.mustHaveItsTopic(never)
    const first = await destination()
    expect(first).toEqual({ clusterId, topic: stream.topic, topicId, partitions: 3 })
    await admin.deleteTopics({ topics: [stream.topic] })
    const isGone = () =>
      admin.fetchTopicMetadata({ topics: [stream.topic] }).then(
        () => false,
        () => true,
      )
    await vi.waitUntil(isGone, { timeout: 30_000, interval: 50 })
    await running.mustHaveItsTopic(never)
    expect((await destination()).topicId).not.toBe(first.topicId)
    const replaced = { code: 'publish.failed', message: expect.stringContaining('deleted and created again') }
    expect(await rejectionOf(running.mustHaveItsTopic(never))).toMatchObject(replaced)
  })
})

describe('records', () => {
  test.each(['none', 'zstd'] as const)(
    'have their headers, their key and the publish time (compression %s)',
    async (compression) => {
      const stream = newStream(kafka.bootstrap)
      const before = Date.now()
      await commit(await stream.open({ compression }), [event('é', '{"ü":1}'), sentTo('deadLetters', null, '{}')], 1)
      const [published] = await committedRecords(kafka.bootstrap, stream.topic)
      const [dead] = await committedRecords(kafka.bootstrap, `${stream.topic}.dlq`)
      expect(published).toMatchObject({ key: 'é', value: '{"ü":1}' })
      expect(published?.headers).toEqual(event('é', '').headers)
      expect(dead?.headers).toEqual(sentTo('deadLetters', null, '{}').headers)
      expect(dead?.key).toBeNull()
      expect(published?.timestamp).toBeGreaterThanOrEqual(before)
      expect(published?.timestamp).toBeLessThanOrEqual(Date.now())
    },
  )

  test('are rejected with publish.failed, a transient error, when our clock is over an hour ahead', async () => {
    const stream = newStream(kafka.bootstrap)
    // The default is an hour since Kafka 4.0, and no limit before.
    const configEntries = [{ name: 'message.timestamp.after.max.ms', value: '3600000' }]
    await createTopics(admin, [{ topic: stream.topic, configEntries }])
    const ahead: Clock = { ...systemClock, now: () => systemClock.now() + 2 * 3_600_000 }
    const producer = await stream.open({}, ahead)
    const error = await rejectionOf(commit(producer, [event('1', '1')], 1))
    expect(error.code).toBe('publish.failed')
    expect(isTransient(error)).toBe(true)
  })

  test('are rejected with publish.refused when the limit of the topic is lower than ours', async () => {
    const stream = newStream(kafka.bootstrap)
    const configEntries = [{ name: 'max.message.bytes', value: '5000' }]
    await createTopics(admin, [{ topic: stream.topic, configEntries }])
    const producer = await stream.open()
    expect((await rejectionOf(commit(producer, [event('1', 'x'.repeat(9_000))], 1))).code).toBe('publish.refused')
  })
})

describe('security', () => {
  let secure: SecureListeners
  let ca: string
  beforeAll(() => {
    if (kafka.secure === undefined) throw new Error('no secure listeners')
    secure = kafka.secure
    ca = readFileSync(secure.certificates.authority, 'utf8')
  })
  const login = (mechanism: 'plain' | 'scram-sha-512', password = secure.password) => ({
    ssl: { ca },
    sasl: { mechanism, username: secure.username, password },
  })
  /** All ACLs that a stream needs when its topics exist, as listed in docs/security.md. */
  const acls = (topic: string): Acl[] => [
    { resource: 'topic', name: topic, operation: 'WRITE' },
    { resource: 'topic', name: `${topic}.dlq`, operation: 'WRITE' },
    { resource: 'transactional id', name: `test.${topic}`, operation: 'WRITE' },
    { resource: 'group', name: `test.${topic}`, operation: 'READ' },
    { resource: 'topic', name: topic, operation: 'READ' },
    { resource: 'topic', name: `${topic}.dlq`, operation: 'READ' },
  ]
  const existing = async (topic: string) => {
    await createTopics(admin, [{ topic }, { topic: `${topic}.dlq` }])
  }

  test('logs in with the current password, and rejects without revealing a wrong one', async () => {
    const stream = newStream(secure.bootstrap)
    await existing(stream.topic)
    await allow(admin, `User:${secure.username}`, acls(stream.topic))
    const { sasl, ssl } = login('scram-sha-512', 'wrong-secret')
    const publisher = stream.publisher({ ssl, sasl })
    const error = await rejectionOf(publisher.open(fresh, never))
    expect(error.code).toBe('publish.unauthorized')
    expect(`${error.message} ${error.cause}`).not.toContain('wrong-secret')
    sasl.password = secure.password
    await commit(await publisher.open(fresh, never), [event('1', '1')], 1)
    expect(await valuesOf(stream.topic)).toEqual(['1'])
  })

  test('reads certificates again for each client, and rejects with config.invalid when they are unusable', async () => {
    const stream = newStream(secure.mutualBootstrap)
    await existing(stream.topic)
    await allow(admin, 'User:CN=connector', acls(stream.topic))
    const ssl = { ca, cert: '-----BEGIN CERTIFICATE-----', key: '-----BEGIN PRIVATE KEY-----' }
    const publisher = stream.publisher({ ssl })
    expect((await rejectionOf(publisher.open(fresh, never))).code).toBe('config.invalid')
    ssl.cert = readFileSync(secure.certificates.clientCertificate, 'utf8')
    ssl.key = readFileSync(secure.certificates.clientKey, 'utf8')
    await commit(await publisher.open(fresh, never), [event('1', '1')], 1)
    expect(await valuesOf(stream.topic)).toEqual(['1'])
  })

  test('names each missing ACL, one after another', async () => {
    const stream = newStream(secure.bootstrap)
    await existing(stream.topic)
    const attempt = async () => {
      const producer = await stream.open(login('plain'))
      await recordIn(producer)
      return await commit(producer, [event('1', '1'), sentTo('deadLetters', '2', '{}')], 1)
    }
    const missing: string[] = []
    for (const acl of acls(stream.topic)) {
      const error = await rejectionOf(attempt())
      expect(error.code).toBe('publish.unauthorized')
      missing.push(error.message.replace(/.*the ACL /, ''))
      await allow(admin, `User:${secure.username}`, [acl])
    }
    const { topic } = stream
    expect(missing).toEqual([
      `WRITE (to create it: CREATE) on topic ${topic} is missing`,
      `WRITE (to create it: CREATE) on topic ${topic}.dlq is missing`,
      `WRITE on transactional id test.${topic} is missing`,
      `READ on group test.${topic} is missing`,
      `READ on topic ${topic} is missing`,
      `READ on topic ${topic}.dlq is missing`,
    ])
    expect((await attempt()).seq).toBe(1)
  })
})
