import { describe, expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, valid } from '../config-sources.ts'

const placed = (environment: Record<string, string>) =>
  connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...environment }))).placement
const written = (yaml: string) => connectorConfig(valid(fromFile(yaml, leastEnvironment))).placement

describe('placement', () => {
  test('uses the consumer group unless PLACEMENT is single', () => {
    expect(placed({})).toMatchObject({ mode: 'group' })
    expect(placed({ PLACEMENT: 'single' })).toEqual({ mode: 'single' })
  })

  test('creates the slots topic as `kafka.topics` says', () => {
    expect(written('kafka: { topics: { replicationFactor: 3 } }')).toMatchObject({
      create: { partitions: 24, replicationFactor: 3 },
    })
    expect(written('kafka: { topics: { create: false } }')).toMatchObject({ create: undefined })
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
