import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, type Admin, ResourcePatternTypes } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventPublisher, OutgoingRecord, PublisherSession } from '../../connector/publish/event-publisher.ts'
import { type KafkaConfig, kafkaDefaults } from '../../connector/publish/kafka-config.ts'
import { kafkaEventPublisher } from '../../connector/publish/kafka-event-publisher.ts'
import { type Clock, systemClock } from '../../connector/runtime/clock.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { ConnectorError, codeOf, isTransient } from '../../connector/runtime/connector-error.ts'
import { committedRecords, testKafka } from '../support/committed-records.ts'
import { type KafkaCluster, type SecureListeners, startKafka } from '../support/servers/kafka-broker.ts'
import { holdsRequest } from '../support/servers/kafka-wire.ts'
import type { TcpProxy } from '../support/servers/tcp-proxy.ts'

const closing = closeStack()
const never = new AbortController().signal
let kafka: KafkaCluster
let admin: Admin

beforeAll(async () => {
  kafka = closing.use(await startKafka({ secure: true, proxied: true }), (cluster) => cluster.close())
  admin = closing.use(testKafka(kafka.bootstrap).admin(), (client) => client.disconnect())
  await admin.connect()
})
afterAll(() => closing.close())

interface Stream {
  readonly topic: string
  readonly open: (settings?: Partial<KafkaConfig>, clock?: Clock) => Promise<PublisherSession>
  readonly publisher: (settings?: Partial<KafkaConfig>, clock?: Clock) => EventPublisher
}

/** A new stream with topics of its own; `settings` go over the defaults. */
function newStream(brokers: string): Stream {
  const topic = randomUUID()
  const topics = { events: topic, deadLetters: `${topic}.dlq`, create: { ...kafkaDefaults.create, partitions: 1 } }
  const publisher = (settings: Partial<KafkaConfig> = {}, clock: Clock = systemClock) => {
    const config = { ...kafkaDefaults, brokers: brokers.split(','), topic: topics, ...settings }
    const parts = { connector: 'test', stream: topic, clock, log: () => undefined }
    return closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
  }
  return { topic, publisher, open: (settings, clock) => publisher(settings, clock).open(never) }
}

/** Does not wait between the looks for a topic. */
const impatientClock: Clock = { ...systemClock, sleep: async () => undefined }

const event = (key: string, value: string): OutgoingRecord => ({ to: 'events', key, value })
const valuesOf = async (topic: string) => (await committedRecords(kafka.bootstrap, topic)).map(({ value }) => value)

async function commit(session: PublisherSession, records: readonly OutgoingRecord[], seq: number) {
  await using transaction = session.begin(never)
  await transaction.send(records)
  const note = { epoch: 1, seq, nonce: `nonce-${seq}` }
  await transaction.commit(note)
  return note
}

async function rejectionOf(promise: Promise<unknown>): Promise<ConnectorError> {
  const error: unknown = await promise.then(
    () => new Error('it resolved'),
    (reason) => reason,
  )
  if (error instanceof ConnectorError) return error
  throw error
}

describe('answers that are lost', () => {
  let proxy: TcpProxy
  let stream: Stream
  let session: PublisherSession
  const shortClose = { timeouts: { ...kafkaDefaults.timeouts, closeMs: 300 } }
  beforeAll(() => {
    const [only] = kafka.proxies
    if (only === undefined) throw new Error('no proxy')
    proxy = only
  })
  const begin = async () => {
    stream = newStream(kafka.proxiedBootstrap)
    session = await stream.open(shortClose)
    await session.readNote(never) // waits until a brand-new broker has its place for notes
    await commit(session, [event('1', '"first"')], 1)
  }
  const noteNow = async () => (await (await stream.open()).readNote(never)).note?.seq

  it('reports an unknown outcome when the answer to the end of a transaction is lost; the note then tells that it was committed', async () => {
    await begin()
    const dropped = proxy.dropAnswers(1, holdsRequest('endTxn'))
    expect((await rejectionOf(commit(session, [event('1', '"second"')], 2))).code).toBe('publish.outcome-unknown')
    await dropped
    expect(await noteNow()).toBe(2)
    expect(await valuesOf(stream.topic)).toEqual(['"first"', '"second"'])
  })

  it('sends again without doubling when the answer to a send is lost', async () => {
    await begin()
    const dropped = proxy.dropAnswers(1, holdsRequest('produce'))
    await commit(session, [event('1', '"second"')], 2)
    await dropped
    expect(await noteNow()).toBe(2)
    expect(await valuesOf(stream.topic)).toEqual(['"first"', '"second"'])
  })

  it.each(['addOffsetsToTxn', 'txnOffsetCommit'] as const)(
    'aborts when the answer to %s is lost: neither events nor note appear',
    async (request) => {
      await begin()
      const dropped = proxy.dropAnswers(1, holdsRequest(request))
      const error = await rejectionOf(commit(session, [event('1', '"second"')], 2))
      await dropped
      expect(isTransient(error) && error.code !== 'publish.outcome-unknown').toBe(true)
      expect(await noteNow()).toBe(1)
      expect(await valuesOf(stream.topic)).toEqual(['"first"'])
    },
  )

  it('aborts when the broker cannot be reached any more before the end', async () => {
    await begin()
    {
      await using transaction = session.begin(never)
      await transaction.send([event('1', '"second"')])
      await proxy.down()
      const error = await rejectionOf(transaction.commit({ epoch: 1, seq: 2, nonce: 'n' }))
      expect(isTransient(error) && error.code !== 'publish.outcome-unknown').toBe(true)
    }
    await proxy.up()
    expect(await noteNow()).toBe(1)
    expect(await valuesOf(stream.topic)).toEqual(['"first"'])
  })

  it('opens at the second try when the answer to the first is lost', async () => {
    await begin()
    const dropped = proxy.dropAnswers(1, holdsRequest('initProducerId'))
    const again = stream.publisher()
    const first = await rejectionOf(again.open(never))
    await dropped
    expect(first.code).toBe('publish.unreachable')
    expect((await (await again.open(never)).readNote(never)).note).toEqual({ epoch: 1, seq: 1, nonce: 'nonce-1' })
  })

  it('reads the note again when its answer is lost', async () => {
    await begin()
    const dropped = proxy.dropAnswers(1, holdsRequest('offsetFetch'))
    expect((await session.readNote(never)).note?.seq).toBe(1)
    await dropped
  })

  it('gives up a send at the deadline, ends within a bounded time, and shows nothing of it', async () => {
    await begin()
    const finish = new AbortController()
    proxy.pause()
    const started = performance.now()
    {
      await using transaction = session.begin(finish.signal)
      const sending = rejectionOf(transaction.send([event('1', '"second"')]))
      finish.abort(new DOMException('time is over', 'TimeoutError'))
      expect((await sending).code).toBe('publish.failed')
    }
    await session.close()
    expect(performance.now() - started).toBeLessThan(5_000)
    proxy.resume()
    expect(await noteNow()).toBe(1)
    expect(await valuesOf(stream.topic)).toEqual(['"first"'])
  })

  it('stops opening as soon as it is told to', async () => {
    await begin()
    proxy.pause()
    const stop = new AbortController()
    const opening = stream.publisher().open(stop.signal)
    const reason = new Error('stopped')
    stop.abort(reason)
    await expect(opening).rejects.toBe(reason)
    proxy.resume()
  })
})

describe('topics', () => {
  it('stops for a missing topic that it may not create', async () => {
    const stream = newStream(kafka.bootstrap)
    const topic = { events: stream.topic, deadLetters: `${stream.topic}.dlq` }
    const error = await rejectionOf(stream.open({ topic }, impatientClock))
    expect(error.code).toBe('publish.topic-missing')
    expect(error.message).toContain(stream.topic)
  })

  it('creates them with their settings, while another replica does the same', async () => {
    const stream = newStream(kafka.bootstrap)
    const sessions = await Promise.allSettled([stream.open(), stream.open(), stream.open()])
    expect(sessions.some(({ status }) => status === 'fulfilled')).toBe(true)
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

  it('keeps the partitions of a topic that exists, and names the cluster', async () => {
    const stream = newStream(kafka.bootstrap)
    await admin.createTopics({ topics: [{ topic: stream.topic, numPartitions: 3 }] })
    const { destination } = await stream.open()
    const { clusterId } = await admin.describeCluster()
    expect(destination).toEqual({ clusterId, topic: stream.topic, partitions: 3 })
  })

  it('refuses a replication factor that the cluster cannot give', async () => {
    const stream = newStream(kafka.bootstrap)
    const create = { ...kafkaDefaults.create, replicationFactor: 7 }
    const topic = { events: stream.topic, deadLetters: `${stream.topic}.dlq`, create }
    expect((await rejectionOf(stream.open({ topic }))).code).toBe('publish.refused')
  })

  it('stops for a foreign offset in the place of its note', async () => {
    const stream = newStream(kafka.bootstrap)
    const session = await stream.open()
    const groupId = `test.${stream.topic}`
    await admin.setOffsets({ groupId, topic: stream.topic, partitions: [{ partition: 0, offset: '5' }] })
    expect((await rejectionOf(session.readNote(never))).code).toBe('checkpoint.unknown-format')
  })
})

describe('records', () => {
  it.each(['none', 'gzip'] as const)(
    'carry one header, their key and the publish time (compression %s)',
    async (compression) => {
      const stream = newStream(kafka.bootstrap)
      const before = Date.now()
      await commit(
        await stream.open({ compression }),
        [event('é', '{"ü":1}'), { to: 'deadLetters', key: null, value: '{}' }],
        1,
      )
      const [published] = await committedRecords(kafka.bootstrap, stream.topic)
      const [dead] = await committedRecords(kafka.bootstrap, `${stream.topic}.dlq`)
      expect(published).toMatchObject({ key: 'é', value: '{"ü":1}' })
      expect(published?.headers).toEqual({ 'content-type': 'application/cloudevents+json' })
      expect(dead?.headers).toEqual({ 'content-type': 'application/json' })
      expect(dead?.key).toBeNull()
      expect(published?.timestamp).toBeGreaterThanOrEqual(before)
      expect(published?.timestamp).toBeLessThanOrEqual(Date.now())
    },
  )

  it('are refused by a topic whose own limit is lower than ours', async () => {
    const stream = newStream(kafka.bootstrap)
    const configEntries = [{ name: 'max.message.bytes', value: '5000' }]
    await admin.createTopics({ topics: [{ topic: stream.topic, configEntries }] })
    const session = await stream.open()
    expect((await rejectionOf(commit(session, [event('1', 'x'.repeat(9_000))], 1))).code).toBe('publish.refused')
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
  const login = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = secure.password) => ({
    ssl: { ca },
    sasl: { mechanism, username: secure.username, password },
  })
  const allow = (principal: string, resources: readonly [AclResourceTypes, string, AclOperationTypes][]) =>
    admin.createAcls({
      acl: resources.map(([resourceType, resourceName, operation]) => ({
        resourceType,
        resourceName,
        operation,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal,
        host: '*',
        permissionType: AclPermissionTypes.ALLOW,
      })),
    })
  /** Everything that a stream needs when its topics exist: the list of the README. */
  const acls = (topic: string): [AclResourceTypes, string, AclOperationTypes][] => [
    [AclResourceTypes.TOPIC, topic, AclOperationTypes.WRITE],
    [AclResourceTypes.TOPIC, `${topic}.dlq`, AclOperationTypes.WRITE],
    [AclResourceTypes.TRANSACTIONAL_ID, `test.${topic}`, AclOperationTypes.WRITE],
    [AclResourceTypes.GROUP, `test.${topic}`, AclOperationTypes.READ],
    [AclResourceTypes.TOPIC, topic, AclOperationTypes.READ],
  ]
  const existing = async (topic: string) => {
    await admin.createTopics({ topics: [{ topic }, { topic: `${topic}.dlq` }] })
  }

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'publishes through TLS and SASL %s',
    async (mechanism) => {
      const stream = newStream(secure.bootstrap)
      await existing(stream.topic)
      await allow(`User:${secure.username}`, acls(stream.topic))
      const session = await stream.open(login(mechanism))
      expect((await session.readNote(never)).note).toBeUndefined()
      const note = await commit(session, [event('1', '1')], 1)
      expect((await (await stream.open(login(mechanism))).readNote(never)).note).toEqual(note)
    },
  )

  it('publishes with a client certificate', async () => {
    const stream = newStream(secure.mutualBootstrap)
    await existing(stream.topic)
    await allow('User:CN=connector', acls(stream.topic))
    const cert = readFileSync(secure.certificates.clientCertificate, 'utf8')
    const key = readFileSync(secure.certificates.clientKey, 'utf8')
    await commit(await stream.open({ ssl: { ca, cert, key } }), [event('1', '1')], 1)
    expect(await valuesOf(stream.topic)).toEqual(['1'])
  })

  it.each(['plain', 'scram-sha-256'] as const)(
    'stops for a wrong password (%s), and does not name it',
    async (mechanism) => {
      const error = await rejectionOf(newStream(secure.bootstrap).open(login(mechanism, 'wrong-secret')))
      expect(error.code).toBe('publish.unauthorized')
      expect(`${error.message} ${error.cause}`).not.toContain('wrong-secret')
    },
  )

  it('does not talk to a broker whose certificate nobody vouches for', async () => {
    const retry = { firstPauseMs: 5, maxPauseMs: 5, retries: 1 }
    const error = await rejectionOf(newStream(secure.bootstrap).open({ ssl: {}, retry }))
    expect(error.code).toBe('publish.unreachable')
    expect(error.message).toMatch(/CERT|VERIFY/)
  })

  it('names the ACL that is missing, one after the other', async () => {
    const stream = newStream(secure.bootstrap)
    await existing(stream.topic)
    const attempt = async () => {
      const session = await stream.open(login('plain'))
      await session.readNote(never)
      return await commit(session, [event('1', '1'), { to: 'deadLetters', key: '2', value: '{}' }], 1)
    }
    const missing: string[] = []
    for (const acl of acls(stream.topic)) {
      const error = await rejectionOf(attempt())
      expect(error.code).toBe('publish.unauthorized')
      missing.push(error.message.replace(/.*the ACL /, ''))
      await allow(`User:${secure.username}`, [acl])
    }
    const { topic } = stream
    expect(missing).toEqual([
      `WRITE (to create it: CREATE) on topic ${topic} is missing`,
      `WRITE (to create it: CREATE) on topic ${topic}.dlq is missing`,
      `WRITE on transactional id test.${topic} is missing`,
      `READ on group test.${topic} is missing`,
      `READ on topic ${topic} is missing`,
    ])
    expect((await attempt()).seq).toBe(1)
  })
})

it.each([
  ['publish.fenced', 0],
  ['publish.failed', kafkaDefaults.timeouts.transactionMs],
] as const)('calls a refused epoch %s when the transaction began %i ms ago', async (code, tookMs) => {
  let aheadMs = 0
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + aheadMs }
  const stream = newStream(kafka.bootstrap)
  const session = await stream.open({}, clock)
  await session.readNote(never)
  await using transaction = session.begin(never)
  await transaction.send([event('1', '1')])
  await stream.open()
  aheadMs = tookMs
  expect((await rejectionOf(transaction.commit({ epoch: 1, seq: 1, nonce: 'n' }))).code).toBe(code)
})

it('reports a broker that is not there as unreachable, which is tried again', async () => {
  const retry = { firstPauseMs: 1, maxPauseMs: 1, retries: 1 }
  const error = await rejectionOf(newStream('127.0.0.1:1').open({ retry }))
  expect(codeOf(error)).toBe('publish.unreachable')
})
