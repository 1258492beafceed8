import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  type KafkaConfig,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { closingAfterAll } from '../../support/closing.ts'
import { createTopics } from '../../support/create-topics.ts'
import { type KafkaCluster, type SecureListeners, startKafka } from '../../support/servers/kafka-broker.ts'
import { mutualPrincipal } from '../../support/servers/kafka-properties.ts'
import { brokersSeenBy, clusterView, holdsRequest } from '../../support/servers/kafka-wire.ts'

const closing = closingAfterAll()

function client(bootstrap: string, config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...config })
}

/** Enough retries to wait for a new leader on a busy machine. */
const patient = { retry: { retries: 80, maxRetryTime: 500 } }

/** Creates a topic and waits for its leader, which is the first of `replicas` if given. */
async function makeTopic(bootstrap: string, topic: string, replicas?: number[]): Promise<void> {
  const admin = client(bootstrap, patient).admin()
  await admin.connect()
  const placed = replicas === undefined ? {} : { replicaAssignment: [{ partition: 0, replicas }] }
  await createTopics(admin, [{ topic, ...placed }])
  await admin.disconnect()
}

async function publish(kafka: Kafka, topic: string, value: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner: () => () => 0 })
  try {
    await producer.connect()
    await producer.send({ topic, acks: -1, messages: [{ value }] })
  } finally {
    await producer.disconnect()
  }
}

/** The number of records in the topic's only partition. */
async function recordsIn(bootstrap: string, topic: string): Promise<number> {
  const admin = client(bootstrap, patient).admin()
  await admin.connect()
  const [offsets] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return Number(offsets?.high)
}

describe('one broker', () => {
  let kafka: KafkaCluster
  beforeAll(async () => {
    kafka = closing.use(await startKafka({ proxied: true }), (cluster) => cluster.close())
  })

  test('keeps a record across a kill and a restart', async () => {
    await makeTopic(kafka.bootstrap, 'kept')
    await publish(client(kafka.bootstrap, patient), 'kept', 'before the kill')
    await kafka.kill(1)
    await expect(publish(client(kafka.bootstrap), 'kept', 'during the kill')).rejects.toThrow('ECONNREFUSED')
    await kafka.start(1)
    await publish(client(kafka.bootstrap, patient), 'kept', 'after the kill')
    await kafka.stop(1)
    await kafka.start(1)
    expect(await recordsIn(kafka.bootstrap, 'kept')).toBe(2)
  })

  test('stores a record when the response to its produce request is dropped, though the client sees a failure', async () => {
    await makeTopic(kafka.bootstrap, 'answer-lost')
    const dropped = kafka.proxies[0]?.dropAnswers(1, holdsRequest('produce'))
    await expect(publish(client(kafka.proxiedBootstrap), 'answer-lost', 'x')).rejects.toThrow()
    await dropped
    expect(await recordsIn(kafka.bootstrap, 'answer-lost')).toBe(1)
  })

  test('never lets a client bypass the proxy that it bootstraps through', async () => {
    await makeTopic(kafka.bootstrap, 'proxied')
    await kafka.proxies[0]?.down()
    await expect(publish(client(kafka.proxiedBootstrap), 'proxied', 'x')).rejects.toThrow('ECONNREFUSED')
    await kafka.proxies[0]?.up()
    await publish(client(kafka.proxiedBootstrap, patient), 'proxied', 'x')
    expect(await recordsIn(kafka.bootstrap, 'proxied')).toBe(1)
  })
})

describe('a secure broker', () => {
  let kafka: KafkaCluster
  let secure: SecureListeners
  beforeAll(async () => {
    kafka = closing.use(await startKafka({ secure: true, proxied: true, proxiedProtocol: 'SASL_SSL' }), (cluster) =>
      cluster.close(),
    )
    if (kafka.secure === undefined) throw new Error('no secure listeners')
    secure = kafka.secure
  })

  const trusting = () => ({ ca: readFileSync(secure.certificates.authority, 'utf8') })
  const withPassword = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = secure.password) => {
    const sasl = { mechanism, username: secure.username, password } as KafkaConfig['sasl'] & object
    return client(secure.bootstrap, { ssl: trusting(), sasl })
  }
  const withCertificate = () => {
    const key = readFileSync(secure.certificates.clientKey, 'utf8')
    const cert = readFileSync(secure.certificates.clientCertificate, 'utf8')
    return client(secure.mutualBootstrap, { ssl: { ...trusting(), key, cert } })
  }
  const allowWriting = async (topic: string, principal: string) => {
    const admin = client(kafka.bootstrap).admin()
    await admin.connect()
    const acl = {
      principal,
      host: '*',
      operation: AclOperationTypes.WRITE,
      permissionType: AclPermissionTypes.ALLOW,
      resourceType: AclResourceTypes.TOPIC,
      resourceName: topic,
      resourcePatternType: ResourcePatternTypes.LITERAL,
    }
    await admin.createAcls({ acl: [acl] })
    await admin.disconnect()
  }

  test.for(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'accepts the right password and rejects a wrong one with %s',
    async (mechanism) => {
      const right = withPassword(mechanism).admin()
      await right.connect()
      await right.disconnect()
      await expect(withPassword(mechanism, 'wrong').admin().connect()).rejects.toThrow(/authentication/i)
    },
  )

  test('has a certificate that a client rejects unless it trusts the authority', async () => {
    await expect(client(secure.bootstrap, { ssl: true }).admin().connect()).rejects.toThrow(/certificate/)
  })

  test('rejects a client without a certificate on the listener that requires one', async () => {
    await expect(client(secure.mutualBootstrap, { ssl: trusting() }).admin().connect()).rejects.toThrow()
  })

  test('lets a user write to a topic only once an ACL allows it', async () => {
    await makeTopic(kafka.bootstrap, 'guarded')
    const users = [
      [() => withPassword('plain'), `User:${secure.username}`],
      [withCertificate, mutualPrincipal],
    ] as const
    for (const [user, principal] of users) {
      await expect(publish(user(), 'guarded', 'x')).rejects.toThrow(/not authorized/i)
      await allowWriting('guarded', principal)
      // A broker applies an ACL soon after it has accepted it.
      await vi.waitFor(() => publish(user(), 'guarded', 'x'), { timeout: 10_000, interval: 100 })
    }
    expect(await recordsIn(kafka.bootstrap, 'guarded')).toBe(2)
  })

  test('speaks SASL_SSL on a proxied route, whose proxy sees the requests', async () => {
    const [route] = kafka.routes
    if (route === undefined) throw new Error('no proxied route')
    await makeTopic(kafka.bootstrap, 'answer-lost')
    await allowWriting('answer-lost', `User:${secure.username}`)
    const { username, password } = secure
    const sasl = { mechanism: 'scram-sha-256', username, password } as const
    const proxied = client(route.bootstrap, { ssl: trusting(), sasl })
    await publish(proxied, 'answer-lost', 'x')
    const dropped = route.proxies[0]?.dropAnswers(1, holdsRequest('produce'))
    await expect(publish(proxied, 'answer-lost', 'x')).rejects.toThrow()
    await dropped
    expect(await recordsIn(kafka.bootstrap, 'answer-lost')).toBe(2)
  })

  test('answers a request of the tests only when it logs in with the right password', async () => {
    const { username, password } = secure
    const port = Number(secure.bootstrap.split(':')[1])
    expect((await clusterView(port, [], { ...trusting(), username, password }))?.brokers).toEqual([{ id: 1, port }])
    expect(await clusterView(port, [], { ...trusting(), username, password: 'wrong' })).toBeUndefined()
    expect(await clusterView(port, [])).toBeUndefined()
  })
})

test('three brokers continue when one is killed', { timeout: 120_000 }, async () => {
  const kafka = closing.use(await startKafka({ brokers: 3 }), (cluster) => cluster.close())
  await makeTopic(kafka.bootstrap, 'replicated')
  await kafka.kill(1)
  await publish(client(kafka.bootstrap, patient), 'replicated', 'x')
  await kafka.start(1)
  expect(await recordsIn(kafka.bootstrap, 'replicated')).toBe(1)
})

test('a client of one proxied route to three brokers never uses another, and the other route stays open', {
  timeout: 120_000,
}, async () => {
  const kafka = closing.use(await startKafka({ brokers: 3, proxied: 2 }), (cluster) => cluster.close())
  const [cut, open] = kafka.routes
  if (cut === undefined || open === undefined) throw new Error('expected two proxied routes')
  const topics = ['led-by-1', 'led-by-2', 'led-by-3']
  for (const [index, topic] of topics.entries()) await makeTopic(cut.bootstrap, topic, [index + 1])
  await Promise.all(cut.proxies.slice(1).map((proxy) => proxy.down()))
  const outcomes = await Promise.allSettled(topics.map((topic) => publish(client(cut.bootstrap), topic, 'x')))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  for (const topic of topics) await publish(client(open.bootstrap, patient), topic, 'x')
})

test('a broker exits when the process that started it is killed', async () => {
  const program = `
    import { startKafka } from './test/support/servers/kafka-broker.ts'
    console.log((await startKafka()).bootstrap)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [bootstrap] = (await once(createInterface(parent.stdout), 'line')) as [string]
  const port = Number(bootstrap.split(':')[1])
  expect(await brokersSeenBy(port)).toBe(1)
  parent.kill('SIGKILL')
  await vi.waitUntil(async () => (await brokersSeenBy(port)) === 0, { timeout: 5_000, interval: 50 })
})
