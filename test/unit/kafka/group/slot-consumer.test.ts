import { EventEmitter } from 'node:events'
import type { ConsumerConfig, Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { type SlotEvent, slotConsumer } from '../../../../connector/kafka/group/slot-consumer.ts'
import { groupDefaults } from '../../../../connector/placement/placement-config.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

const slotsInAll = 24

/** A kafkajs client whose consumer emits events on request of the test. */
function setUp() {
  const emitter = new EventEmitter()
  const calls: string[] = []
  let config: ConsumerConfig | undefined
  const consumer = {
    events: { GROUP_JOIN: 'join', HEARTBEAT: 'beat', CRASH: 'crash', REBALANCING: 'rebalancing', REQUEST: 'request' },
    on: (name: string, listener: (event: unknown) => void) => emitter.on(name, listener),
    pause: (topics: unknown) => calls.push(`pause ${JSON.stringify(topics)}`),
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
  const joined: SlotEvent[] = []
  const heard: number[] = []
  const crashes: Error[] = []
  const on = (event: SlotEvent) => {
    calls.push(event.kind)
    if (event.kind === 'joined') joined.push(event)
    if (event.kind === 'heard') heard.push(event.heardAt)
  }
  const held = () => []
  const parts = {
    group: 'g',
    topic: 't',
  }
  slotConsumer(kafka, { ...parts, streams: ['a'], clock, held, on }, (error) => crashes.push(error))
  const emit = (name: string, payload: object = {}) => emitter.emit(name, { payload })
  return { emit, clock, calls, joined, heard, crashes, config: () => config }
}

describe('slotConsumer', () => {
  it('pauses all partitions before it reports an assignment, and thus before the first fetch', () => {
    const { emit, calls } = setUp()
    emit('join', { memberAssignment: { t: [1] }, duration: 5 })
    expect(calls).toEqual(['pause [{"topic":"t"}]', 'joined'])
  })

  it('reports the slots in order and their total number, and no slots for a standby', () => {
    const { emit, joined } = setUp()
    emit('join', { memberAssignment: { t: [10, 9, 2] }, duration: 5 })
    emit('join', { memberAssignment: {}, duration: 6 })
    expect(joined).toMatchObject([
      { slots: [2, 9, 10], slotCount: slotsInAll, tookMs: 5 },
      { slots: [], slotCount: slotsInAll, tookMs: 6 },
    ])
  })

  it('starts the session when the answered request was sent, not when the response arrived', () => {
    const { emit, heard, joined, clock } = setUp()
    emit('request', { apiName: 'SyncGroup', duration: 300 })
    emit('join', { memberAssignment: { t: [] }, duration: 5 })
    clock.pass(20_000)
    emit('request', { apiName: 'Heartbeat', duration: 14_000 }) // the process stalled before it received the response
    emit('request', { apiName: 'Metadata', duration: 1 })
    emit('beat')
    expect(joined[0]).toMatchObject({ heardAt: 100_000 - 300 })
    expect(heard).toEqual([120_000 - 14_000])
  })

  it('does not report a future time when the clock was set back', () => {
    const { emit, heard } = setUp()
    emit('request', { apiName: 'Heartbeat', duration: -3_600_000 })
    emit('beat')
    expect(heard).toEqual([100_000])
  })

  it('reports a crash and does not restart', async () => {
    const { emit, crashes, config } = setUp()
    emit('crash', { error: new Error('gone'), restart: false })
    expect(crashes).toHaveLength(1)
    expect(await config()?.retry?.restartOnFailure?.(new Error('gone'))).toBe(false)
  })
})

describe('the group defaults', () => {
  it('send at least three heartbeats within a session', () => {
    expect(groupDefaults.heartbeatMs * 3).toBeLessThan(groupDefaults.sessionTimeoutMs)
  })
})
