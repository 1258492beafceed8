import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, type Admin, ResourcePatternTypes } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { groupPlacement } from '../../connector/placement/group-placement.ts'
import type { Placement } from '../../connector/placement/placement.ts'
import { type GroupConfig, groupDefaults } from '../../connector/placement/placement-config.ts'
import type { PlacementEvent } from '../../connector/placement/placement-event.ts'
import { slotOf } from '../../connector/placement/slots.ts'
import { type KafkaClient, type KafkaConnection, kafkaClient } from '../../connector/publish/kafka-client.ts'
import { kafkaDefaults } from '../../connector/publish/kafka-config.ts'
import { type Clock, systemClock } from '../../connector/runtime/clock.ts'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import { testKafka } from '../support/committed-records.ts'
import { type KafkaCluster, startKafka } from '../support/servers/kafka-broker.ts'

const closing = closeStack()
let kafka: KafkaCluster
let admin: Admin

beforeAll(async () => {
  kafka = closing.use(await startKafka({ secure: true, proxied: true }), (cluster) => cluster.close())
  admin = closing.use(testKafka(kafka.bootstrap).admin(), (client) => client.disconnect())
  await admin.connect()
})
afterAll(() => closing.close())

/** One stream in each slot, so that streams and slots are the same thing. */
function streamOfEachSlot(slots: number): string[] {
  const found = new Map<number, string>()
  for (let number = 1; found.size < slots; number += 1) {
    const slot = slotOf(`s${number}`, slots)
    if (!found.has(slot)) found.set(slot, `s${number}`)
  }
  return [...found.values()].sort()
}
const streams = streamOfEachSlot(24)

interface Member {
  readonly placement: Placement
  readonly events: PlacementEvent[]
  /** Every assignment that was told. */
  readonly told: ReadonlySet<string>[]
  now(): ReadonlySet<string>
  /** Leaves the group. */
  stop(): Promise<void>
  /** Vanishes without a word. */
  vanish(): void
}

interface MemberSettings {
  readonly settings?: Partial<GroupConfig>
  readonly connection?: Partial<KafkaConnection>
  readonly clock?: Clock
  readonly streams?: readonly string[]
}

let members: Member[] = []
afterEach(async () => {
  await Promise.all(members.map((member) => member.stop()))
  members = []
})

function startMember(connector: string, options: MemberSettings = {}): Member {
  const events: PlacementEvent[] = []
  const told: ReadonlySet<string>[] = []
  const clients = new Set<KafkaClient>()
  const stopping = new AbortController()
  let isGone = false
  const connection = { ...kafkaDefaults, brokers: kafka.bootstrap.split(','), ...options.connection }
  const placement = groupPlacement(
    { ...groupDefaults, ...options.settings },
    {
      connector,
      replica: `replica-${members.length}`,
      streams: options.streams ?? streams,
      kafka: connection,
      clock: options.clock ?? systemClock,
      log: () => undefined,
      observe: (event) => events.push(event),
      connect: (to) => {
        const client = kafkaClient(to, { clientId: `replica-${members.length}`, log: () => undefined })
        clients.add(client)
        if (isGone) client.cut()
        return client
      },
    },
  )
  const running = placement.run((assigned) => told.push(assigned), stopping.signal)
  const member: Member = {
    placement,
    events,
    told,
    now: () => told.at(-1) ?? new Set(),
    stop: () => {
      stopping.abort()
      return running
    },
    vanish: () => {
      isGone = true
      for (const client of clients) client.cut()
    },
  }
  members.push(member)
  return member
}

async function until(isSo: () => boolean, withinMs = 20_000): Promise<number> {
  const started = performance.now()
  while (!isSo()) {
    if (performance.now() - started > withinMs) throw new Error(`not so within ${withinMs} ms: ${isSo}`)
    await delay(10)
  }
  return performance.now() - started
}

const sizes = (some: readonly Member[]) => some.map((member) => member.now().size)
const union = (some: readonly Member[]) => new Set(some.flatMap((member) => [...member.now()]))
const areBalanced = (some: readonly Member[], all = streams) =>
  union(some).size === all.length &&
  sizes(some).reduce((sum, size) => sum + size, 0) === all.length &&
  Math.max(...sizes(some)) - Math.min(...sizes(some)) <= 1

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
  it('share the slots evenly, and each keeps what it has when another vanishes without a word', async () => {
    const [first, second, third] = await startThree(randomUUID())
    expect(sizes([first, second, third])).toEqual([8, 8, 8])
    const before = [first.now(), second.now()]
    const tellings = [first.told.length, second.told.length]
    third.vanish()
    const tookMs = await until(() => areBalanced([first, second]))
    expect(tookMs).toBeLessThan(groupDefaults.sessionTimeoutMs + 2_000)
    for (const [index, member] of [first, second].entries()) {
      for (const told of member.told.slice(tellings[index])) {
        expect([...told]).toEqual(expect.arrayContaining([...(before[index] ?? [])]))
      }
    }
  })
})
void [readFileSync, AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes, ConnectorError]
