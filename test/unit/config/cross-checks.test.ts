import { describe, expect, test } from 'vitest'
import {
  byPath,
  byVariable,
  fromEnvironment,
  fromFile,
  leastEnvironment,
  leastFile,
  problems,
} from './config-sources.ts'

// Each configuration is valid but for settings that do not fit each other.

const pem = '-----BEGIN CERTIFICATE-----\n'
const found = (environment: Record<string, string>) =>
  problems(fromEnvironment({ ...leastEnvironment, ...environment })).map(byVariable)

const stream = (name: string, rest: string) =>
  `  - name: ${name}\n    polaris: { url: https://p, codeMagasin: 1 }\n${rest}`
const streams = (...each: string[]) => problems(fromFile(`${leastFile}streams:\n${each.join('')}`)).map(byPath)
const settings = (yaml: string) => problems(fromFile(yaml, leastEnvironment)).map(byPath)

describe('settings that depend on each other', () => {
  test.each([
    [
      { KAFKA_SASL_USERNAME: 'u' },
      [
        'KAFKA_SASL_MECHANISM is missing: required together with username',
        'KAFKA_SASL_PASSWORD is missing: required together with username',
      ],
    ],
    [
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD: 'p' },
      ['KAFKA_SASL_USERNAME is missing: required together with mechanism and password'],
    ],
    [
      { KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_SASL_USERNAME: 'u' },
      [
        'KAFKA_SASL_PASSWORD is missing: required with oauthbearer',
        'KAFKA_OAUTH_TOKEN_ENDPOINT is missing: required with oauthbearer',
      ],
    ],
    [
      { KAFKA_SASL_MECHANISM: 'aws-msk-iam' },
      [
        'KAFKA_SSL must be true with aws-msk-iam',
        'KAFKA_BROKERS must be named like b-1.….kafka.REGION.amazonaws.com:9098 with aws-msk-iam',
      ],
    ],
    [{ KAFKA_SSL_CERT: pem }, ['KAFKA_SSL_KEY is missing: required together with cert']],
    [
      { KAFKA_SSL: 'false', KAFKA_SSL_CA: pem },
      ['KAFKA_SSL is false, but ca, cert or key is set: remove one or the other'],
    ],
    [{ POLARIS_URL: 'http://p', POLARIS_CA: pem }, ['POLARIS_CA has no effect with an http: URL: use https:']],
    [{ POLARIS_URL: 'HTTP://p', POLARIS_CA: pem }, ['POLARIS_CA has no effect with an http: URL: use https:']],
    [{ POLARIS_TLS_CERT: pem }, ['POLARIS_TLS_KEY is missing: required together with cert']],
    [{ POLARIS_TLS_KEY: pem }, ['POLARIS_TLS_CERT is missing: required together with key']],
    [
      { POLARIS_TLS_CERT: pem, POLARIS_TLS_KEY: pem },
      ['POLARIS_TLS_KEY must be the private key of the certificate in cert, not encrypted'],
    ],
    [
      { POLARIS_LAST_CHANGED: '2026-11-27T05:00:01' },
      [
        'POLARIS_LAST_CHANGED is in the future (it is 2026-11-27T05:00:00 in Europe/Paris): changes until then would never be read',
      ],
    ],
    [{ POLARIS_LAST_CHANGED: '2026-11-27T05:00:00' }, []],
    [{ POLARIS_LAST_CHANGED: '2026-11-27T04:00:01', POLARIS_TIME_ZONE: 'UTC' }, [expect.stringContaining('in UTC')]],
  ])('%j', (environment, expected) => expect(found(environment as Record<string, string>)).toEqual(expected))

  test('a token endpoint, which gets the client secret, is reached over https, or over http on loopback', () => {
    const problemsWith = (endpoint: string) =>
      settings(
        `kafka: { sasl: { mechanism: oauthbearer, username: c, password: s, oauth: { tokenEndpoint: '${endpoint}' } } }`,
      )
    for (const local of ['http://127.0.0.1:8080/t', 'http://[::1]/t', 'http://localhost/t', 'HTTPS://login.example/t'])
      expect(problemsWith(local)).toEqual([])
    for (const remote of ['http://login.example/t', 'http://10.0.0.1/t', 'http://localhost.example/t'])
      expect(problemsWith(remote)).toEqual([
        'kafka.sasl.oauth.tokenEndpoint must be https:, because the client secret is sent to it; http: only on loopback',
      ])
  })

  test.each([
    ['from: T', 'sendAs is missing'],
    ['sendAs: "?"', 'sendAs must be a header'],
    ['sendAs: "X-T: a b"', 'sendAs must be a header'],
    ['from: "t=(", sendAs: "?t"', 'from must be a field name'],
  ])('a login with { %s } has a problem: %s', (token, what) => {
    const yaml = `streams: [{ polaris: { auth: login, user: u, password: p, login: { token: { ${token} } } } }]`
    expect(settings(yaml)).toEqual([expect.stringContaining(`streams[0].polaris.login.token.${what}`)])
  })

  test('the request rate of a server must be equal in all its streams', () => {
    const limited = (name: string, url: string, limit: string) =>
      `  - { name: ${name}, kafka: { topic: ${name} }, polaris: { url: "${url}", codeMagasin: 1${limit} } }\n`
    expect(
      streams(
        limited('a', 'https://p', ', requestsPerSecond: 2'),
        limited('b', 'https://P:443/core/api', ', requestsPerSecond: 5'),
        limited('c', 'http://p', ', requestsPerSecond: 7'),
        limited('d', 'http://p', ', requestsPerSecond: 7'),
      ),
    ).toEqual([
      expect.stringContaining('streams[1].polaris.requestsPerSecond must equal streams[0].polaris.requestsPerSecond'),
    ])
  })

  test('lastChangedFormat must be a pattern of known letters', () => {
    expect(settings('streams: [{ polaris: { lastChangedFormat: "dd/MM/yyyy HH:mm" } }]')).toEqual([])
    for (const pattern of ['yyyy-QQ', 'HH:mm', "yyyy-MM 'dd'"])
      expect(settings(`streams: [{ polaris: { lastChangedFormat: "${pattern}" } }]`)).toEqual([
        expect.stringContaining('streams[0].polaris.lastChangedFormat must be a date pattern of yyyy MM dd'),
      ])
  })
})

test('a topic must have room for the default name of its dead-letter topic', () => {
  const long = 't'.repeat(246)
  expect(streams(stream('a', `    kafka: { topic: ${long.slice(1)} }\n`))).toEqual([])
  expect(streams(stream('a', `    kafka: { topic: ${long}, deadLetterTopic: dead }\n`))).toEqual([])
  expect(streams(stream('a', `    kafka: { topic: ${long} }\n`))).toEqual([
    'streams[0].kafka.deadLetterTopic is missing: topic with the suffix .dlq is too long',
  ])
})

test.each(['topic', 'deadLetterTopic'])('%s must not be the topic of the slots', (key) => {
  expect(streams(stream('a', `    kafka: { ${key}: shops.slots }\n`))).toEqual([
    `streams[0].kafka.${key} is the topic by which replicas share the streams: use another one`,
  ])
})

describe('two streams', () => {
  test('must not have the same topic', () => {
    expect(streams(stream('a', ''), stream('b', ''))).toEqual([
      'streams[1].kafka.topic is also the topic of streams[0], which would mix their clients: use another topic, or set sharedKeys: true in both',
    ])
  })

  test('may share a topic when both have sharedKeys', () => {
    const shared = '    sharedKeys: true\n'
    expect(streams(stream('a', shared), stream('b', shared))).toEqual([])
    expect(streams(stream('a', shared), stream('b', ''))).toHaveLength(1)
  })

  test('may share a dead-letter topic, but not use it for events', () => {
    const dead = '    kafka: { topic: b, deadLetterTopic: dead }\n'
    expect(streams(stream('a', '    kafka: { topic: a, deadLetterTopic: dead }\n'), stream('b', dead))).toEqual([])
    expect(streams(stream('a', '    kafka: { topic: a }\n'), stream('b', '    kafka: { topic: a.dlq }\n'))).toEqual([
      'streams[1].kafka.topic is also a dead-letter topic',
    ])
  })
})

test('a setting that is invalid by itself is reported once', () => {
  expect(found({ POLARIS_AUTH: 'ntlm', POLARIS_USER: 'u' })).toEqual(['POLARIS_AUTH must be one of none, basic, login'])
  expect(settings('kafka: { sasl: { usrname: u, mechanism: plain, password: p } }')).toEqual([
    'kafka.sasl.usrname is unknown; did you mean username?',
  ])
})

test('settings that depend on each other are checked although another one is invalid', () => {
  expect(found({ HTTP_PORT: 'x', KAFKA_SSL_CERT: pem })).toEqual([
    'HTTP_PORT must be a whole number from 0 to 65535',
    'KAFKA_SSL_KEY is missing: required together with cert',
  ])
})
