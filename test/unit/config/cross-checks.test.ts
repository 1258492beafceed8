import { describe, expect, test } from 'vitest'
import { fromEnvironment, fromFile, leastEnvironment, leastFile, problems } from './config-sources.ts'

const pem = '-----BEGIN CERTIFICATE-----\n'
const found = (environment: Record<string, string>) =>
  problems(fromEnvironment({ ...leastEnvironment, ...environment })).map(
    ({ variable, path, what }) => `${variable ?? path} ${what}`,
  )

const stream = (name: string, rest: string) =>
  `  - name: ${name}\n    polaris: { url: https://p, codeMagasin: 1 }\n${rest}`
const streams = (...each: string[]) =>
  problems(fromFile(`${leastFile}streams:\n${each.join('')}`)).map(({ line, path, what }) => `${line}: ${path} ${what}`)
const settings = (yaml: string) => problems(fromFile(yaml, leastEnvironment)).map(({ path, what }) => `${path} ${what}`)

describe('settings that need each other', () => {
  test.each([
    [
      { KAFKA_SASL_USERNAME: 'u' },
      ['KAFKA_SASL_MECHANISM is missing beside username', 'KAFKA_SASL_PASSWORD is missing beside username'],
    ],
    [
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD: 'p' },
      ['KAFKA_SASL_USERNAME is missing beside mechanism and password'],
    ],
    [{ KAFKA_SSL_CERT: pem }, ['KAFKA_SSL_KEY is missing beside cert']],
    [{ KAFKA_SSL: 'false', KAFKA_SSL_CA: pem }, ['KAFKA_SSL is false although TLS is set up: drop one of both']],
    [
      { POLARIS_AUTH: 'login' },
      ['POLARIS_USER is missing: auth login needs it', 'POLARIS_PASSWORD is missing: auth login needs it'],
    ],
    [{ POLARIS_AUTH: 'basic', POLARIS_USER: 'u' }, ['POLARIS_PASSWORD is missing: auth basic needs it']],
    [
      { POLARIS_USER: 'u', POLARIS_PASSWORD: 'p' },
      ['POLARIS_AUTH is none although a user or a password is set: write basic or login'],
    ],
    [{ POLARIS_URL: 'http://p', POLARIS_CA: pem }, ['POLARIS_CA has no meaning for an http: address: write https:']],
    [
      { POLARIS_CA: pem, POLARIS_TLS_FINGERPRINT: 'a'.repeat(64) },
      ['POLARIS_TLS_FINGERPRINT leaves nothing for ca to do: keep one of both'],
    ],
    [{ KAFKA_TOPIC: 'a'.repeat(247) }, ['KAFKA_TOPIC leaves no room for .dlq: write deadLetterTopic']],
  ])('%j', (environment, expected) => expect(found(environment as Record<string, string>)).toEqual(expected))

  test.each([
    ['token: { field: T }', 'needs exactly one of query and header'],
    ['token: { query: t }', 'needs exactly one of field, pattern and wholeAnswer'],
    ['token: { field: T, wholeAnswer: true, query: t }', 'needs exactly one of field, pattern and wholeAnswer'],
    ['token: { field: T, query: t, headerPrefix: "Bearer " }', 'has a headerPrefix but no header'],
  ])('a login %s', (token, what) => {
    const yaml = `streams: [{ polaris: { auth: login, user: u, password: p, login: { ${token} } } }]`
    expect(settings(yaml)).toEqual([`streams[0].polaris.login.token ${what}`])
  })

  test('the limits of one server are the same in all its streams', () => {
    const limited = (name: string, url: string, server: string) =>
      `  - { name: ${name}, kafka: { topic: ${name} }, polaris: { url: "${url}", codeMagasin: 1, server: ${server} } }\n`
    expect(
      streams(
        limited('a', 'https://p', '{ concurrentRequests: 2 }'),
        limited('b', 'https://P:443/core/api', '{ requestsPerSecond: 5 }'),
        limited('c', 'http://p', '{ requestsPerSecond: 7 }'),
        limited('d', 'http://p', '{ requestsPerSecond: 7 }'),
      ),
    ).toEqual(
      ['concurrentRequests', 'requestsPerSecond'].map((key) =>
        expect.stringContaining(
          `streams[1].polaris.server.${key} is not what streams[0].polaris.server.${key} says for the same server`,
        ),
      ),
    )
  })

  test('a pattern of dates is one that requests can be written with', () => {
    expect(settings('streams: [{ polaris: { lastChangedFormat: "dd/MM/yyyy HH:mm" } }]')).toEqual([])
    expect(settings('streams: [{ polaris: { lastChangedFormat: "yyyy-QQ" } }]')).toEqual([
      expect.stringContaining('streams[0].polaris.lastChangedFormat is no pattern of a date'),
    ])
  })

  test('encryption by a key of KMS needs KMS', () => {
    expect(settings('checkpoint: { kmsKeyId: k }')).toEqual(['checkpoint.kmsKeyId needs encryption: aws:kms beside it'])
    expect(settings('checkpoint: { kmsKeyId: k, encryption: aws:kms }')).toEqual([])
  })

  test('a first pause is at most the longest', () => {
    expect(settings('streams: [{ polaris: { retry: { firstPause: 20s } } }]')).toEqual([
      'streams[0].polaris.retry.firstPause must be at most maxPause',
    ])
  })
})

describe('times', () => {
  test.each([
    [
      'kafka: { timeouts: { request: 50s } }',
      'kafka.timeouts.request (50s) must be less than shutdown.finishWithin (50s)',
    ],
    [
      'kafka: { timeouts: { connection: 1m } }',
      'kafka.timeouts.connection (1m) must be less than shutdown.finishWithin (50s)',
    ],
    [
      'kafka: { timeouts: { commitWithin: 55s } }',
      'kafka.timeouts.commitWithin (55s) must be less than shutdown.finishWithin (50s)',
    ],
    [
      'kafka: { timeouts: { transaction: 30s } }',
      'kafka.timeouts.commitWithin (45s) must be less than kafka.timeouts.transaction (30s)',
    ],
    [
      'checkpoint: { timeouts: { call: 2m } }',
      'checkpoint.timeouts.call (2m) must be less than shutdown.finishWithin (50s)',
    ],
    [
      'checkpoint: { timeouts: { answer: 15s } }',
      'checkpoint.timeouts.answer (15s) must be less than checkpoint.timeouts.call (15s)',
    ],
  ])('request timeout < finish deadline: %s', (yaml, problem) => expect(settings(yaml)).toEqual([problem]))

  test('of a shorter deadline are named together', () => {
    expect(settings('shutdown: { finishWithin: 12s }').map((line) => line.split(' ')[0])).toEqual([
      'kafka.timeouts.request',
      'kafka.timeouts.commitWithin',
      'checkpoint.timeouts.call',
    ])
  })
})

describe('two streams', () => {
  test('have different names', () => {
    expect(streams(stream('a', '    kafka: { topic: x }\n'), stream('a', ''))).toEqual([
      '10: streams[1].name is the name of streams[0] too',
    ])
  })

  test('on one topic are an error that says why', () => {
    expect(streams(stream('a', ''), stream('b', ''))).toEqual([
      '9: streams[1].kafka.topic is the topic of streams[0] too, whose clients it would mix up: write another, or sharedKeys: true in both',
    ])
  })

  test('may share a topic when both say that their keys are shared', () => {
    const shared = '    sharedKeys: true\n'
    expect(streams(stream('a', shared), stream('b', shared))).toEqual([])
    expect(streams(stream('a', shared), stream('b', ''))).toHaveLength(1)
  })

  test('may share a topic of dead letters, but no topic of events is one', () => {
    const dead = '    kafka: { topic: b, deadLetterTopic: dead }\n'
    expect(streams(stream('a', '    kafka: { topic: a, deadLetterTopic: dead }\n'), stream('b', dead))).toEqual([])
    expect(streams(stream('a', '    kafka: { topic: a }\n'), stream('b', '    kafka: { topic: a.dlq }\n'))).toEqual([
      '12: streams[1].kafka.topic is a topic of dead letters too',
    ])
  })
})

test('what is wrong by itself is not complained about twice', () => {
  expect(found({ POLARIS_AUTH: 'ntlm', POLARIS_USER: 'u' })).toEqual(['POLARIS_AUTH is none of none, basic, login'])
  expect(settings('kafka: { sasl: { usrname: u, mechanism: plain, password: p } }')).toEqual([
    'kafka.sasl.usrname is unknown; did you mean username?',
  ])
})

test('what holds together is told although something else is wrong', () => {
  expect(found({ HTTP_PORT: 'x', KAFKA_SSL_CERT: pem })).toEqual([
    'HTTP_PORT is no whole number from 0 to 65535',
    'KAFKA_SSL_KEY is missing beside cert',
  ])
})
