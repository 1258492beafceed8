import { describe, expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, problems, valid } from '../config-sources.ts'

const placed = (environment: Record<string, string>) =>
  connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...environment }))).placement
const written = (yaml: string) => connectorConfig(valid(fromFile(yaml, leastEnvironment))).placement
const found = (yaml: string) => problems(fromFile(yaml, leastEnvironment)).map(({ path, what }) => `${path} ${what}`)

describe('placement', () => {
  test('uses the consumer group with its defaults unless PLACEMENT is single', () => {
    expect(placed({})).toEqual({
      ...{ mode: 'group', topic: undefined, create: { partitions: 24, replicationFactor: -1 } },
      ...{ sessionTimeoutMs: 6_000, heartbeatMs: 500, rebalanceTimeoutMs: 10_000, leaveWithinMs: 3_000 },
      rejoin: { firstPauseMs: 500, maxPauseMs: 5_000 },
    })
    expect(placed({ PLACEMENT: 'single' })).toEqual({ mode: 'single' })
  })

  test('takes topic, creation and timeouts of the group from the settings', () => {
    expect(
      written(`placement:
  slots: { topic: shared.slots, partitions: 48, replicationFactor: 3 }
  sessionTimeout: 30s
  heartbeat: 3s
  rebalanceTimeout: 1m
`),
    ).toMatchObject({
      ...{ topic: 'shared.slots', create: { partitions: 48, replicationFactor: 3 } },
      ...{ sessionTimeoutMs: 30_000, heartbeatMs: 3_000, rebalanceTimeoutMs: 60_000 },
    })
  })

  test.each([
    ['kafka: { topics: { create: false } }', undefined],
    [
      'kafka: { topics: { create: false } }\nplacement: { slots: { create: true } }',
      { partitions: 24, replicationFactor: -1 },
    ],
    ['placement: { slots: { create: false } }', undefined],
  ])('creates its topic according to slots.create, or else to kafka.topics.create: %s', (yaml, create) => {
    expect(written(yaml)).toMatchObject({ create })
  })

  test.each([
    ['placement: { heartbeat: 2s }', '(2s) must be less than a third of placement.sessionTimeout (6s)'],
    ['placement: { sessionTimeout: 1s }', '(500ms) must be less than a third of placement.sessionTimeout (1s)'],
  ])('requires at least three heartbeats per group session: %s', (yaml, what) => {
    expect(found(yaml)).toEqual([`placement.heartbeat ${what}: lower heartbeat or raise sessionTimeout`])
  })

  test('connects to Kafka like the streams', () => {
    const { kafka, streams } = connectorConfig(
      valid(
        fromEnvironment({
          ...leastEnvironment,
          KAFKA_SSL: 'true',
          KAFKA_SASL_MECHANISM: 'plain',
          KAFKA_SASL_USERNAME: 'u',
          KAFKA_SASL_PASSWORD: 'p',
        }),
      ),
    )
    expect(kafka).toMatchObject({ ssl: {}, sasl: { mechanism: 'plain', username: 'u', password: 'p' } })
    expect(streams[0]?.kafka).toMatchObject(kafka)
  })
})
