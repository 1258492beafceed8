import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { groupPlacement } from '../../../connector/kafka/group/group-placement.ts'
import { slotOf } from '../../../connector/kafka/group/sticky-assigner.ts'
import { type KafkaClient, kafkaClient } from '../../../connector/kafka/kafka-client.ts'
import type { KafkaConnection } from '../../../connector/kafka/kafka-config.ts'
import { kafkaTimes } from '../../../connector/kafka/kafka-times.ts'
import type { Placement, PlacementEvent } from '../../../connector/placement/placement.ts'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { type Clock, systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { testKafka } from '../../support/committed-records.ts'
import { createTopics } from '../../support/create-topics.ts'
import { type Acl, allow } from '../../support/documentation/kafka-acls.ts'
import { type KafkaCluster, startKafka } from '../../support/servers/kafka-broker.ts'

// Members of a real consumer group join, stall, vanish and leave, with short timeouts.

Object.assign(kafkaTimes, { closeMs: 500 })
kafkaTimes.patience.group.retries = 2

const closing = closingAfterAll()
let kafka: KafkaCluster
let admin: Admin

beforeAll(async () => {
  kafka = closing.use(
    await startKafka({ secure: true, proxied: true, properties: { 'group.min.session.timeout.ms': '1000' } }),
    (cluster) => cluster.close(),
  )
  admin = closing.use(testKafka(kafka.bootstrap).admin(), (client) => client.disconnect())
  await admin.connect()
})

/** One stream for each slot, so that the number of streams equals the number of slots. */
const names = Array.from({ length: 500 }, (_, at) => `stream-${at}`)
const streams = [...new Map(names.map((name) => [slotOf(name, groupDefaults.create.partitions), name])).values()]

/** Shorter timeouts for tests that wait for a session to expire. */
const quick = { sessionTimeoutMs: 4_000, heartbeatMs: 500, rebalanceTimeoutMs: 5_000 }
const rejoin = { firstPauseMs: 100, maxPauseMs: 200, maxRetryAfterMs: 0, rejectedMs: 200 }
const usual = { ...groupDefaults }

interface Member {
  readonly replica: string
  readonly group: string
  readonly placement: Placement
  readonly events: PlacementEvent[]
  /** All assignments so far. */
  readonly assignments: ReadonlySet<string>[]
  /** One entry for each crash of its consumer; true if kafkajs would have restarted it. */
  readonly crashes: boolean[]
  now(): ReadonlySet<string>
  /** Leaves the group. */
  stop(): Promise<void>
  /** Closes its connections without leaving the group. */
  vanish(): void
}

interface MemberSettings {
  /** Of all members of the test. */
  readonly times?: Partial<typeof groupDefaults>
  /** Nobody may create the slots topic. */
  readonly mayNotCreate?: true
  readonly connection?: Partial<KafkaConnection>
  readonly clock?: Clock
  readonly streams?: readonly string[]
}

let members: Member[] = []
afterEach(async () => {
  await Promise.all(members.map((member) => member.stop()))
  members = []
  Object.assign(groupDefaults, usual)
})

function startMember(connector: string, options: MemberSettings = {}): Member {
  const replica = `replica-${members.length}`
  const events: PlacementEvent[] = []
  const assignments: ReadonlySet<string>[] = []
  const crashes: boolean[] = []
  const clients = new Set<KafkaClient>()
  const stopping = new AbortController()
  let isGone = false
  const connection = { brokers: kafka.bootstrap.split(','), ...options.connection }
  Object.assign(groupDefaults, options.times)
  const placement = groupPlacement({
    connector,
    streams: options.streams ?? streams,
    create: options.mayNotCreate ? undefined : groupDefaults.create,
    clock: options.clock ?? systemClock,
    observe: (event) => events.push(event),
    newClient: () => {
      const client = kafkaClient(connection, {
        clientId: replica,
        patience: 'group',
        clock: systemClock,
      })
      clients.add(client)
      watchCrashes(client, crashes)
      if (isGone) client.destroy()
      return client
    },
  })
  const running = placement.run((assigned) => void assignments.push(assigned), stopping.signal)
  const member: Member = {
    group: connector,
    replica,
    placement,
    events,
    assignments,
    crashes,
    now: () => assignments.at(-1) ?? new Set(),
    stop: () => {
      stopping.abort()
      return running
    },
    vanish: () => {
      isGone = true
      for (const client of clients) client.destroy()
    },
  }
  members.push(member)
  return member
}

function watchCrashes({ kafka: client }: KafkaClient, crashes: boolean[]): void {
  const make = client.consumer.bind(client)
  client.consumer = (config) => {
    const consumer = make(config)
    consumer.on(consumer.events.CRASH, ({ payload }) => void crashes.push(payload.restart))
    return consumer
  }
}

const until = (isSo: () => boolean) => vi.waitUntil(isSo, { timeout: 45_000, interval: 10 })

const sizes = (some: readonly Member[]) => some.map((member) => member.now().size)
const union = (some: readonly Member[]) => new Set(some.flatMap((member) => [...member.now()]))
const areBalanced = (some: readonly Member[], all = streams) =>
  some.every(({ assignments }) => assignments.length > 0) &&
  union(some).size === all.length &&
  sizes(some).reduce((sum, size) => sum + size, 0) === all.length &&
  Math.max(...sizes(some)) - Math.min(...sizes(some)) <= 1

/** The number of slots that it kept at its last join. */
function kept({ events }: Member): number {
  const joins = events.flatMap((event) => (event.kind === 'group-joined' ? [event.slots] : []))
  const [before = [], last = []] = joins.slice(-2)
  return last.filter((slot) => before.includes(slot)).length
}
const hasStreams = (member: Member) => member.now().size > 0

async function startThree(connector: string, options?: MemberSettings): Promise<[Member, Member, Member]> {
  const three: [Member, Member, Member] = [
    startMember(connector, options),
    startMember(connector, options),
    startMember(connector, options),
  ]
  await until(() => areBalanced(three))
  return three
}

describe('three members', () => {
  test('share the slots evenly, and keep their slots when another member disappears', async () => {
    const [first, second, third] = await startThree(randomUUID(), { times: quick })
    expect(sizes([first, second, third])).toEqual([8, 8, 8])
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${first.group}.slots`] })
    expect(topics[0]?.partitions).toHaveLength(24)
    const before = [first.now(), second.now()]
    const counts = [first.assignments.length, second.assignments.length]
    third.vanish()
    await until(() => areBalanced([first, second]))
    for (const [index, member] of [first, second].entries()) {
      for (const assigned of member.assignments.slice(counts[index])) {
        expect([...assigned]).toEqual(expect.arrayContaining([...(before[index] ?? [])]))
      }
    }
  })

  test('take over immediately from a member that leaves, and give a new member only its share', async () => {
    const [first, second, third] = await startThree(randomUUID())
    const before = new Set([...first.now(), ...second.now()])
    await third.stop()
    expect(third.events.at(-1)).toEqual({ kind: 'group-left' })
    await until(() => areBalanced([first, second]))
    const next = startMember(first.group)
    await until(() => areBalanced([first, second, next]))
    expect(sizes([first, second, next])).toEqual([8, 8, 8])
    expect(kept(first) + kept(second)).toBe(16)
    expect(before.size).toBe(16)
  })
})

describe('a member', () => {
  test('that stalled for longer than its session keeps its streams until it has joined again', async () => {
    const member = startMember(randomUUID(), { times: quick })
    await until(() => hasStreams(member))
    const had = member.now()
    const joins = member.assignments.length
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_500)
    expect(member.now()).toBe(had)
    await until(() => member.assignments.length > joins && hasStreams(member))
  })

  test('rejoins with all its slots whenever its consumer crashes', async () => {
    const [proxy] = kafka.proxies
    if (proxy === undefined) throw new Error('no proxy')
    onTestFinished(() => proxy.up())
    const connection = { brokers: [kafka.proxiedBootstrap] }
    const member = startMember(randomUUID(), { times: { ...quick, rejoin }, connection })
    await until(() => hasStreams(member))
    const count = (wanted: PlacementEvent['kind']) => member.events.filter(({ kind }) => kind === wanted).length
    for (let crashes = 1; crashes <= 2; crashes += 1) {
      const joins = member.assignments.length
      await proxy.down()
      await until(() => member.crashes.length >= crashes && count('membership-lost') === crashes)
      await proxy.up()
      await until(() => member.assignments.length > joins && hasStreams(member))
      expect(kept(member)).toBe(streams.length)
      expect(count('membership-restored')).toBe(crashes)
    }
    expect(member.crashes).not.toContain(true)
    expect(new Set(member.events.flatMap((event) => (event.kind === 'membership-lost' ? [event.code] : [])))).toEqual(
      new Set(['publish.failed']),
    )
  })

  test('stops within closeMs while Kafka is unreachable', async () => {
    const member = startMember(randomUUID(), { connection: { brokers: ['127.0.0.1:1'] } })
    await until(() => member.events.some(({ kind }) => kind === 'membership-lost'))
    const error = expect.objectContaining({ message: expect.stringContaining('ECONNREFUSED from 127.0.0.1:1') })
    expect(member.events).toMatchObject([{ kind: 'membership-lost', code: 'publish.failed', error }])
    const started = performance.now()
    await member.stop()
    expect(performance.now() - started).toBeLessThan(kafkaTimes.closeMs + 8_000)
  })

  test('that may not create the topic reports this once, and joins when the topic exists', async () => {
    const group = randomUUID()
    const member = startMember(group, { mayNotCreate: true, times: { rejoin } })
    await until(() => member.events.length > 0)
    expect(member.events).toMatchObject([{ kind: 'membership-lost', code: 'publish.topic-missing' }])
    await createTopics(admin, [{ topic: `${group}.slots`, numPartitions: 24 }])
    await until(() => member.now().size === streams.length)
    const missing = member.events.filter((event) => 'code' in event && event.code === 'publish.topic-missing')
    expect(missing).toHaveLength(1)
    await until(() => member.events.some(({ kind }) => kind === 'membership-restored'))
  })
})

describe('behind an authorizer', () => {
  const permit = (acl: Acl) => allow(admin, `User:${kafka.secure?.username}`, [acl])

  test('a member reports each missing ACL once, and joins when all are granted', async () => {
    const group = randomUUID()
    const topic = `${group}.slots`
    const { secure } = kafka
    if (secure === undefined) throw new Error('no secure listener')
    const connection = {
      brokers: [secure.bootstrap],
      ssl: { ca: readFileSync(secure.certificates.authority, 'utf8') },
      sasl: { mechanism: 'plain', username: secure.username, password: secure.password },
    } as const
    const member = startMember(group, {
      connection,
      times: { rejoin },
    })
    const missing = () =>
      member.events.flatMap((event) =>
        // Ignores publish.failed: a broker that has just started has not loaded the group yet.
        event.kind === 'membership-lost' && event.code !== 'publish.failed' && event.error instanceof ConnectorError
          ? [`${event.code} ${event.error.message.replace(/.*the ACL /, '')}`]
          : [],
      )
    await until(() => missing().length === 1)
    await createTopics(admin, [{ topic, numPartitions: 24 }])
    await delay(500)
    await permit({ resource: 'topic', name: topic, operation: 'DESCRIBE' })
    await until(() => missing().length === 2)
    await delay(500)
    await permit({ resource: 'group', name: group, operation: 'READ' })
    await until(() => member.now().size === streams.length)
    expect(missing()).toEqual([
      `publish.unauthorized DESCRIBE (to create it: CREATE) on topic ${topic} is missing`,
      `publish.unauthorized READ on group ${group} is missing`,
    ])
  })
})
