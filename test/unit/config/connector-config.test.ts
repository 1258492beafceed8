import { describe, expect, test } from 'vitest'
import { connectorConfig } from '../../../connector/config/connector-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, valid } from './config-sources.ts'

const configured = (environment: Record<string, string>) =>
  connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...environment })))
const written = (yaml: string) => connectorConfig(valid(fromFile(yaml, leastEnvironment)))

describe('the configuration of the components', () => {
  test('consists of their defaults when no setting is given', () => {
    const config = configured({})
    const [stream] = config.streams
    expect(stream?.kafka).toEqual({
      brokers: ['kafka-1:9092', 'kafka-2:9092'],
      topic: {
        ...{ events: 'client.modified', deadLetters: 'client.modified.dlq' },
        create: {
          ...{ partitions: 6, replicationFactor: -1 },
          eventsConfig: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '604800000' },
          deadLettersConfig: { 'cleanup.policy': 'delete', 'retention.ms': '2592000000' },
        },
      },
      ...{ compression: 'none', maxMessageBytes: 1_000_000 },
      timeouts: {
        ...{ connectionMs: 10_000, requestMs: 15_000, transactionMs: 60_000, commitWithinMs: 45_000 },
        closeMs: 3_000,
      },
      retry: { firstPauseMs: 5, maxPauseMs: 500, retries: 30 },
    })
    expect(stream?.polaris).toEqual({
      ...{ url: 'https://polaris.example.com:3443', codeMagasin: 1, auth: { kind: 'none' }, method: 'GET' },
      ...{ timeZone: 'Europe/Paris', lastChangedFormat: "yyyy-MM-dd'T'HH:mm:ss", listFields: [], statusFields: [] },
      ...{ tls: { minVersion: 'TLSv1.2' }, headers: {} },
      timeouts: { connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 },
      maxBodyBytes: 33_554_432,
      limits: { concurrentRequests: 8 },
      maxProbeIntervalMs: 30_000,
      retry: { retries: 4, firstPauseMs: 500, maxPauseMs: 15_000, maxRetryAfterMs: 120_000 },
      suspectForMs: 900_000,
    })
    expect(config.checkpoint).toEqual({
      url: 's3://bucket/polaris',
      callWithinMs: 15_000,
      s3: { etagQuoting: 'auto', connectWithinMs: 2_000, answerWithinMs: 5_000 },
    })
    expect(config).toMatchObject({
      connector: 'shops',
      log: { level: 'info', format: 'auto' },
      http: { host: '0.0.0.0', port: 8080, readyAfterMs: 120_000, nodeMetrics: false, runbookUrl: undefined },
      savePeriodMs: 60_000,
      offsetsRetentionMs: 604_800_000,
      finishWithinMs: 50_000,
    })
    expect(stream).toMatchObject({
      name: 'clients',
      beginAt: undefined,
      fields: { clientId: null, modifiedAt: null },
      deadLetterLimit: { maxShare: 0.1, minimum: 10, of: 1000 },
      deadLetterClient: 'leave-out',
      poll: {
        intervalMs: 5000,
        overlapMs: 15_000,
        lookBacks: [
          { reachMs: 300_000, everyMs: 60_000 },
          { reachMs: 93_600_000, everyMs: 21_600_000 },
        ],
        fullScan: undefined,
        backgroundShare: 0.5,
        backfill: 'beside',
        onRefusedCheckPoint: 'read-again',
        maxEmptyPages: 100,
        limit: 100,
        output: 'xml',
        timeZone: 'Europe/Paris',
      },
    })
  })

  test.each([
    ['2024-01-31', '2024-01-31T00:00:00'],
    ['2024-01-31T13:45:00', '2024-01-31T13:45:00'],
    ['2024-01-31T12:45:00Z', '2024-01-31T13:45:00'],
  ])('begins a stream at %s = %s', (text, beginAt) => {
    expect(configured({ POLARIS_LAST_CHANGED: text }).streams[0]?.beginAt).toBe(beginAt)
  })

  test.each([
    [{}, undefined],
    [{ KAFKA_SSL: 'true' }, {}],
    [{ KAFKA_SSL: 'false' }, undefined],
    [{ KAFKA_SSL_CA: '-----BEGIN x' }, { ca: '-----BEGIN x' }],
  ])('uses TLS to Kafka when it is enabled or has certificates: %j', (environment, ssl) => {
    expect(configured(environment as Record<string, string>).streams[0]?.kafka.ssl).toEqual(ssl)
  })

  test.each([
    ['PLAIN', 'plain'],
    ['SCRAM-SHA-256', 'scram-sha-256'],
    ['scram-sha-512', 'scram-sha-512'],
  ])('has the SASL mechanism %s as %s, with its secrets in plain text', (KAFKA_SASL_MECHANISM, mechanism) => {
    const { streams } = configured({ KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' })
    expect(streams[0]?.kafka.sasl).toEqual({ mechanism, username: 'u', password: 'p' })
  })

  const account = { POLARIS_USER: 'u', POLARIS_PASSWORD: 'p' }
  test('has the authentication to Polaris as basic or login', () => {
    expect(configured({ POLARIS_AUTH: 'basic', ...account }).streams[0]?.polaris.auth).toEqual({
      kind: 'basic',
      account: { user: 'u', password: 'p' },
    })
    expect(configured({ POLARIS_AUTH: 'login', ...account }).streams[0]?.polaris.auth).toEqual({
      kind: 'login',
      account: { user: 'u', password: 'p' },
      login: { method: 'POST' },
    })
  })

  test.each([
    [
      '{ field: Token, query: token }',
      { from: { kind: 'field', path: 'Token' }, sendAs: { kind: 'query', name: 'token' } },
    ],
    [
      '{ pattern: "t=(.*)", header: X-T }',
      { from: { kind: 'pattern', pattern: 't=(.*)' }, sendAs: { kind: 'header', name: 'X-T' } },
    ],
    [
      '{ wholeAnswer: true, header: Authorization, headerPrefix: "Bearer " }',
      { from: { kind: 'text' }, sendAs: { kind: 'header', name: 'Authorization', prefix: 'Bearer ' } },
    ],
  ])('has the session token of a login: %s', (token, expected) => {
    const { streams } = written(
      `streams: [{ polaris: { auth: login, user: u, password: p, login: { method: GET, token: ${token} } } }]`,
    )
    expect(streams[0]?.polaris.auth).toEqual({
      kind: 'login',
      account: { user: 'u', password: 'p' },
      login: { method: 'GET', token: expected },
    })
  })

  test('has the settings of every section, with their units', () => {
    const config = written(`
kafka:
  pageGroup: { maxBytes: 2MiB, maxDelay: 50ms }
  topics: { partitions: 12, replicationFactor: 3, config: { retention.ms: 1000, cleanup.policy: compact }, deadLetterConfig: {} }
  timeouts: { connection: 1s, request: 2s, commitWithin: 3s, transaction: 4s, close: 5s }
checkpoint:
  forcePathStyle: false
  checksums: when_required
  encryption: aws:kms
  kmsKeyId: key
  bucketKey: true
  timeouts: { connect: 1s, answer: 2s, call: 3s }
shutdown: { finishWithin: 20s }
streams:
  - polaris:
      timeouts: { connect: 1s, headers: 2s, body: 3s }
      retry: { retries: 0, firstPause: 1ms, maxPause: 2ms, maxRetryAfter: 3ms }
      maxBodyBytes: 1kB
      hashIgnore: [Age, Adresse.Rang]
      clientIdField: No
    deadLetters: { includeClient: true, maxPercent: 25, minimum: 1, of: 4 }
    kafka: { topic: t, deadLetterTopic: d }
`)
    expect(config).toMatchObject({
      pageGroup: { maxBytes: 2_097_152, maxDelayMs: 50 },
      finishWithinMs: 20_000,
      checkpoint: {
        callWithinMs: 3000,
        s3: {
          forcePathStyle: false,
          checksums: 'WHEN_REQUIRED',
          serverSideEncryption: 'aws:kms',
          kmsKeyId: 'key',
          bucketKeyEnabled: true,
          connectWithinMs: 1000,
          answerWithinMs: 2000,
        },
      },
      streams: [
        {
          polaris: {
            timeouts: { connectMs: 1000, headersMs: 2000, bodyMs: 3000 },
            retry: { retries: 0, firstPauseMs: 1, maxPauseMs: 2, maxRetryAfterMs: 3 },
            maxBodyBytes: 1000,
          },
          kafka: {
            topic: {
              events: 't',
              deadLetters: 'd',
              create: {
                partitions: 12,
                replicationFactor: 3,
                eventsConfig: { 'retention.ms': '1000', 'cleanup.policy': 'compact' },
                deadLettersConfig: {},
              },
            },
            timeouts: { connectionMs: 1000, requestMs: 2000, commitWithinMs: 3000, transactionMs: 4000, closeMs: 5000 },
          },
          fields: { clientId: 'No', modifiedAt: null },
          deadLetterLimit: { maxShare: 0.25, minimum: 1, of: 4 },
          deadLetterClient: 'include',
        },
      ],
    })
    // Paths are compared case-insensitively.
    expect([...(config.streams[0]?.hashIgnore ?? [])]).toEqual(['age', 'adresse.rang'])
  })

  test('creates no topics when kafka.topics.create is false', () => {
    expect(written('kafka: { topics: { create: false } }').streams[0]?.kafka.topic.create).toBeUndefined()
  })
})
