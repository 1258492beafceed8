import { describe, expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, valid } from '../config-sources.ts'

const placed = (environment: Record<string, string>) =>
  connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...environment }))).placement
const configured = (yaml: string) => connectorConfig(valid(fromFile(yaml, leastEnvironment)))
const written = (yaml: string) => configured(yaml).placement

describe('placement', () => {
  test('uses the consumer group unless PLACEMENT is single', () => {
    expect(placed({})).toMatchObject({ mode: 'group' })
    expect(placed({ PLACEMENT: 'single' })).toEqual({ mode: 'single' })
  })

  test('creates the slots topic as `kafka.topics` says, like those of the streams', () => {
    expect(written('kafka: { topics: { replicationFactor: 3 } }')).toMatchObject({
      create: { partitions: 24, replicationFactor: 3 },
    })
    const { placement, streams } = configured('kafka: { topics: { create: false } }')
    expect([placement, streams[0]?.kafka.topic]).toMatchObject([{ create: undefined }, { create: undefined }])
  })
})
