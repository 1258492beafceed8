import { describe, expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { groupDefaults } from '../../../../connector/placement/placement-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, problems, valid } from '../config-sources.ts'

const placed = (environment: Record<string, string>) =>
  connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...environment }))).placement
const written = (yaml: string) => connectorConfig(valid(fromFile(yaml, leastEnvironment))).placement
const found = (yaml: string) => problems(fromFile(yaml, leastEnvironment)).map(({ path, what }) => `${path} ${what}`)

describe('placement', () => {
  test('uses the consumer group unless PLACEMENT is single', () => {
    expect(placed({})).toMatchObject({ mode: 'group', topic: undefined })
    expect(placed({ PLACEMENT: 'single' })).toEqual({ mode: 'single' })
  })

  test('takes topic and session timeout from the settings, and creates the topic as `kafka.topics` says', () => {
    const placement = 'placement: { slotsTopic: shared.slots, sessionTimeout: 30s }'
    expect(written(`kafka: { topics: { replicationFactor: 3 } }\n${placement}`)).toMatchObject({
      topic: 'shared.slots',
      create: { partitions: 24, replicationFactor: 3 },
      sessionTimeoutMs: 30_000,
    })
    expect(written('kafka: { topics: { create: false } }')).toMatchObject({ create: undefined })
  })

  test('requires at least three heartbeats per group session', () => {
    expect(found('placement: { sessionTimeout: 1s }')).toEqual(['placement.sessionTimeout must be between 2s and 30m'])
    expect(groupDefaults.heartbeatMs * 3).toBeLessThan(2_000)
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
