import { EventEmitter } from 'node:events'
import type { ConsumerConfig, Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { type Joined, slotConsumer } from '../../../../connector/kafka/group/slot-consumer.ts'
import { groupDefaults } from '../../../../connector/placement/placement-config.ts'

const slotsInAll = 24

/** A kafkajs client whose consumer emits events on request of the test. */
function setUp() {
  const emitter = new EventEmitter()
  const calls: string[] = []
  let config: ConsumerConfig | undefined
  const consumer = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash' },
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
  const joined: Joined[] = []
  const crashes: Error[] = []
  const onJoined = (one: Joined) => {
    calls.push('joined')
    joined.push(one)
  }
  const parts = { group: 'g', topic: 't', streams: ['a'], held: () => [], onJoined }
  slotConsumer(kafka, parts, (error) => crashes.push(error))
  const emit = (name: string, payload: object = {}) => emitter.emit(name, { payload })
  return { emit, calls, joined, crashes, config: () => config }
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
