import { describe, expect, test } from 'vitest'
import { connectorConfig, constants } from '../../../connector/config/connector-config.ts'
import { fromEnvironment, fromFile, leastEnvironment, valid } from './config-sources.ts'

// The parts of the connector are configured from files and variables, without running them.

const configured = (environment: Record<string, string>) =>
  connectorConfig(valid(fromEnvironment({ ...leastEnvironment, ...environment })))
const written = (yaml: string) => connectorConfig(valid(fromFile(yaml, leastEnvironment)))

describe('the configuration of the components', () => {
  test('has times in which the shorter ends before the longer', () => {
    const { run, polaris, kafka, checkpoint, placement } = constants
    const { commitWithinMs, transactionMs } = kafka
    const { connectionMs, requestMs } = kafka.patience.stream
    expect(kafka.patience.group.requestMs).toBeLessThanOrEqual(placement.sessionTimeoutMs)
    expect(Math.max(connectionMs, requestMs)).toBeLessThan(commitWithinMs)
    expect(commitWithinMs).toBeLessThan(transactionMs)
    expect(Math.max(checkpoint.connectWithinMs, checkpoint.answerWithinMs)).toBeLessThan(checkpoint.callWithinMs)
    expect(Math.max(commitWithinMs, checkpoint.callWithinMs)).toBeLessThan(run.finishWithinMs)
    expect(3 * placement.heartbeatMs).toBeLessThan(placement.sessionTimeoutMs)
    expect(polaris.retry.firstPauseMs).toBeLessThan(polaris.retry.maxPauseMs)
  })

  test.each([
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
    [
      '{ from: Token, sendAs: "?token" }',
      { from: { kind: 'field', path: 'Token' }, sendAs: { kind: 'query', name: 'token' } },
    ],
    [
      '{ from: "t=(.*)", sendAs: X-T }',
      { from: { kind: 'pattern', pattern: 't=(.*)' }, sendAs: { kind: 'header', name: 'X-T' } },
    ],
    [
      '{ sendAs: "Authorization: Bearer" }',
      { from: { kind: 'text' }, sendAs: { kind: 'header', name: 'Authorization', prefix: 'Bearer ' } },
    ],
  ])('has the session token of a login: %s', (token, expected) => {
    const { streams } = written(
      `streams: [{ polaris: { auth: login, user: u, password: p, login: { token: ${token} } } }]`,
    )
    expect(streams[0]?.polaris.auth).toEqual({
      kind: 'login',
      account: { user: 'u', password: 'p' },
      token: expected,
    })
  })

  test('has paths of fields in lower case', () => {
    const [stream] = written('streams: [{ polaris: { hashIgnore: [Age, Adresse.Rang] } }]').streams
    expect([...(stream?.rules.ignored ?? [])]).toEqual(['age', 'adresse.rang'])
  })

  test.each([
    ['', 'exclusive'],
    ['sharedKeys: true', 'shared'],
    ['kafka: { adoptTopic: true }', 'shared'],
  ])('with "%s", a new stream uses its topic %s', (more, topicUse) => {
    const stream = `name: lyon, polaris: { url: "https://p.example.com", codeMagasin: 1 }`
    const [lyon] = written(`streams: [{ ${[stream, more].filter((part) => part !== '').join(', ')} }]`).streams
    expect(lyon).toMatchObject({ topicUse, events: { form: { source: '/polaris/shops/lyon' } } })
  })
})
