import { describe, expect, test } from 'vitest'
import { connectorConfig } from '../../../connector/config/connector-config.ts'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, problems, valid } from './config-sources.ts'

const placed = (environment: Record<string, string>) =>
  connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...environment }))).placement
const written = (yaml: string) => connectorConfig(valid(fromFile(yaml, leastEnvironment))).placement
const found = (yaml: string) => problems(fromFile(yaml, leastEnvironment)).map(({ path, what }) => `${path} ${what}`)

describe('placement', () => {
  test('is by a group unless an operator says otherwise, with the defaults of its own', () => {
    expect(placed({})).toEqual({ mode: 'group', topic: undefined, ...groupDefaults })
    expect(placed({ PLACEMENT: 'single' })).toEqual({ mode: 'single' })
  })

  test('takes topic, creation and times of the group', () => {
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
    ['kafka: { topics: { create: false } }\nplacement: { slots: { create: true } }', groupDefaults.create],
    ['placement: { slots: { create: false } }', undefined],
  ])('creates its topic where the others are created, or as it is told: %s', (yaml, create) => {
    expect(written(yaml)).toMatchObject({ create })
  })

  test.each([
    ['placement: { heartbeat: 2s }', '(2s) must be less than a third of placement.sessionTimeout (6s)'],
    ['placement: { sessionTimeout: 1s }', '(500ms) must be less than a third of placement.sessionTimeout (1s)'],
  ])('beats thrice in a session at least: %s', (yaml, what) => {
    expect(found(yaml)).toEqual([`placement.heartbeat ${what}: raise sessionTimeout, or beat more often`])
  })

  test('reaches Kafka as the streams do', () => {
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
