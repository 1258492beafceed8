import { EventEmitter } from 'node:events'
import { AssignerProtocol, type ConsumerConfig, type Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import type { GroupMemberView } from '../../../connector/placement/group-view.ts'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { type Joined, slotConsumer } from '../../../connector/placement/slot-consumer.ts'
import { slotOf } from '../../../connector/placement/slots.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const slotsInAll = 24

/** A kafkajs client whose consumer says what the test lets it say. */
function scene() {
  const emitter = new EventEmitter()
  const calls: string[] = []
  const descriptions: Promise<object>[] = []
  let config: ConsumerConfig | undefined
  const consumer = {
    events: { GROUP_JOIN: 'join', HEARTBEAT: 'beat', CRASH: 'crash', REBALANCING: 'rebalancing', REQUEST: 'request' },
    on: (name: string, listener: (event: unknown) => void) => emitter.on(name, listener),
    pause: (topics: unknown) => calls.push(`pause ${JSON.stringify(topics)}`),
    describeGroup: () => descriptions.shift() ?? Promise.reject(new Error('no connection')),
  }
  const kafka = {
    consumer: (given: ConsumerConfig) => {
      config = given
      const cluster = { findTopicPartitionMetadata: () => Array.from({ length: slotsInAll }) }
      for (const assigner of given.partitionAssigners ?? []) assigner({ cluster, groupId: 'g' } as never)
      return consumer
    },
  } as unknown as Kafka
  const clock = virtualClock(100_000)
  const joined: Joined[] = []
  const heard: number[] = []
  const seen: (readonly GroupMemberView[])[] = []
  const crashes: Error[] = []
  const on = {
    joined: (one: Joined) => {
      calls.push('joined')
      joined.push(one)
    },
    heard: (at: number) => heard.push(at),
    seen: (members: readonly GroupMemberView[]) => seen.push(members),
    rebalancing: () => calls.push('rebalancing'),
  }
  const held = () => ({ held: [], silentMs: 0 })
  const parts = {
    group: 'g',
    topic: 't',
    settings: groupDefaults,
    retry: { firstPauseMs: 1, maxPauseMs: 1, retries: 1 },
  }
  slotConsumer(kafka, { ...parts, streams: ['a'], clock, held, on }, (error) => crashes.push(error))
  const say = (name: string, payload: object = {}) => emitter.emit(name, { payload })
  return { say, clock, calls, joined, heard, seen, crashes, descriptions, config: () => config }
}

describe('slotConsumer', () => {
  it('pauses everything before it tells of an assignment, which is before the first fetch', () => {
    const { say, calls } = scene()
    say('join', { memberAssignment: { t: [1] }, duration: 5 })
    expect(calls).toEqual(['pause [{"topic":"t"}]', 'joined'])
  })

  it('tells the slots in order, how many there are in all, and no slots of a standby', () => {
    const { say, joined } = scene()
    say('join', { memberAssignment: { t: [10, 9, 2] }, duration: 5 })
    say('join', { memberAssignment: {}, duration: 6 })
    expect(joined).toMatchObject([
      { slots: [2, 9, 10], slotCount: slotsInAll, tookMs: 5 },
      { slots: [], slotCount: slotsInAll, tookMs: 6 },
    ])
  })

  it('counts a session from when the answered request was sent, not from when the answer was seen', () => {
    const { say, heard, joined, clock } = scene()
    say('request', { apiName: 'SyncGroup', duration: 300 })
    say('join', { memberAssignment: { t: [] }, duration: 5 })
    clock.pass(20_000)
    say('request', { apiName: 'Heartbeat', duration: 14_000 }) // a process that stalled while the answer was under way
    say('request', { apiName: 'Metadata', duration: 1 })
    say('beat')
    expect(joined[0]?.heardAt).toBe(100_000 - 300)
    expect(heard).toEqual([120_000 - 14_000])
  })

  it('does not take a clock that was set back for an answer from the future', () => {
    const { say, heard } = scene()
    say('request', { apiName: 'Heartbeat', duration: -3_600_000 })
    say('beat')
    expect(heard).toEqual([100_000])
  })

  it('tells who else is there as soon as the group says so, and nothing while it does not', async () => {
    const { say, seen, descriptions } = scene()
    const memberAssignment = AssignerProtocol.MemberAssignment.encode({
      ...{ version: 1, userData: Buffer.alloc(0), assignment: { t: [5, slotOf('a', slotsInAll)] } },
    })
    const member = { clientId: 'one', clientHost: '/10.0.0.1', memberId: 'one-1', memberAssignment }
    const other = { ...member, clientId: 'another', memberId: 'another-1', memberAssignment: Buffer.alloc(0) }
    const members = [member, other]
    descriptions.push(
      Promise.resolve({ state: 'PreparingRebalance', members }),
      Promise.reject(new Error('no connection')),
      Promise.resolve({ state: 'Stable', members }),
    )
    for (const _ of descriptions.slice()) say('join', { memberAssignment: { t: [1] }, duration: 5 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([
      [
        { replica: 'another', host: '10.0.0.1', slots: [], streams: [] },
        { replica: 'one', host: '10.0.0.1', slots: [5, slotOf('a', slotsInAll)].sort((x, y) => x - y), streams: ['a'] },
      ],
    ])
  })

  it('never restarts by itself: who is told of a crash builds it anew', async () => {
    const { say, crashes, config } = scene()
    say('crash', { error: new Error('gone'), restart: false })
    expect(crashes).toHaveLength(1)
    expect(await config()?.retry?.restartOnFailure?.(new Error('gone'))).toBe(false)
  })
})

describe('the settings', () => {
  it('beat often enough for a session', () => {
    expect(groupDefaults.heartbeatMs * 3).toBeLessThan(groupDefaults.sessionTimeoutMs)
  })
})
