import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { problemText } from '../../../connector/config/config-problem.ts'
import { settingList } from '../../../connector/config/setting-list.ts'
import { byVariable, fromEnvironment, leastEnvironment, problems, valid } from './config-sources.ts'

// A stream is configured by variables alone, most of which are left out.

const variables = settingList().map(({ variable }) => variable)

const pem = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----'

describe('one stream from the environment alone', () => {
  test('has another variable for each setting', () => {
    expect(new Set(variables).size).toBe(variables.length)
  })

  test('shows no header whose name and value are swapped (invariant 8)', () => {
    for (const swapped of ['planted/key+=: X-Api-Key', 'planted:', 'planted: é', 'planted: X-Api-Key\nHost: other']) {
      const found = problems(fromEnvironment({ ...leastEnvironment, POLARIS_HEADERS: swapped })).map(problemText)
      expect(found).toEqual([expect.stringMatching(/^streams\[0\]\.polaris\.headers \(POLARIS_HEADERS\): /)])
      expect(found[0]).not.toContain('planted')
    }
  })

  test('sets a setting from its variable, as text, number, switch, list, map, duration, size or secret', () => {
    const { kafka, streams } = valid(
      fromEnvironment({
        ...leastEnvironment,
        POLARIS_HEADERS: 'X-Api-Key: abc: d\nX-Tenant:7\n',
        POLARIS_CODE_MAGASIN: '-7',
        POLARIS_PREFIX_CLE: '007',
        POLARIS_LIST_FIELDS: 'Cartes, Adresse.Telephones',
        POLL_INTERVAL: '500ms',
        KAFKA_MAX_MESSAGE_BYTES: '2MiB',
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
        KAFKA_SASL_USERNAME: 'ku',
        KAFKA_SASL_PASSWORD: 'kp',
        KAFKA_SSL: 'TRUE',
        KAFKA_SSL_CA: pem,
        KAFKA_TOPICS_CONFIG: 'a.b: 1\n',
      }),
    )
    expect(kafka).toMatchObject({
      ssl: { enabled: true },
      sasl: { mechanism: 'scram-sha-512' },
      maxMessageBytes: 2 * 1024 ** 2,
      topics: { config: { 'a.b': '1' } },
    })
    expect([kafka.sasl.password, kafka.ssl.ca].map((secret) => secret?.reveal())).toEqual(['kp', pem])
    const headers = Object.entries(streams[0]?.polaris.headers ?? {})
    expect(headers.map(([name, value]) => [name, value.reveal()])).toEqual([
      ['X-Api-Key', 'abc: d'],
      ['X-Tenant', '7'],
    ])
    expect(streams[0]).toMatchObject({
      polaris: { codeMagasin: -7, prefixCle: '007', listFields: ['Cartes', 'Adresse.Telephones'] },
      poll: { interval: 500 },
    })
  })

  test('treats an empty variable as unset', () => {
    expect(valid(fromEnvironment({ ...leastEnvironment, HTTP_PORT: '', POLARIS_LIMIT: '', KAFKA_SSL: '' }))).toEqual(
      valid(fromEnvironment(leastEnvironment)),
    )
    expect(problems(fromEnvironment({ ...leastEnvironment, CONNECTOR_ID: '' }))).toEqual([
      { place: 'connector (CONNECTOR_ID)', what: 'is missing' },
    ])
  })

  test('falls back to the general AWS variables', () => {
    const general = { AWS_ENDPOINT_URL: 'https://all.example.com', AWS_DEFAULT_REGION: 'gra' }
    expect(valid(fromEnvironment({ ...leastEnvironment, ...general })).checkpoint).toMatchObject({
      endpoint: 'https://all.example.com',
      region: 'gra',
    })
    expect(
      valid(
        fromEnvironment({
          ...leastEnvironment,
          ...general,
          AWS_ENDPOINT_URL_S3: 'https://s3.example.com',
          AWS_REGION: 'sbg',
        }),
      ).checkpoint,
    ).toMatchObject({
      endpoint: 'https://s3.example.com',
      region: 'sbg',
    })
  })

  test('reports all missing settings at once, by their variables', () => {
    expect(problems(fromEnvironment({})).map(byVariable)).toEqual([
      'CONNECTOR_ID is missing',
      'KAFKA_BROKERS is missing',
      'CHECKPOINT_URL is missing',
      'POLARIS_URL is missing',
      'POLARIS_CODE_MAGASIN is missing',
    ])
  })

  test.each([
    ['STREAM_NAME', 'doctor', 'must be 1 to 63'],
    ['POLARIS_PROXY', 'socks5://proxy', 'must be http(s)://[user:password@]host[:port]'],
    ['POLARIS_PROXY', 'http://u:p%@proxy', 'percent-encode special characters'],
    ['POLARIS_PROXY', 'http://proxy/path', 'must be http(s)://'],
    ['POLARIS_HEADERS', 'X-Api-Key', 'in a variable, lines of Name: value'],
    ['POLARIS_HEADERS', 'Host: other', 'is set by the connector'],
    ['POLARIS_HEADERS', 'X-Näme: x', 'must be an HTTP header name'],
    ['POLARIS_HEADERS', 'X-Name: é', 'must have a value of printable ASCII characters'],
    ['POLARIS_CODE_MAGASIN', '2147483648', 'must be a whole number'],
    ['POLARIS_TIME_ZONE', 'Europe/Pariss', 'must be an IANA time zone'],
    ['POLARIS_CLIENT_ID_FIELD', 'a b', 'must be a field name'],
    ['POLARIS_LIST_FIELDS', 'Cartes,a..b', 'must be a field name'],
    ['POLL_INTERVAL', '0s', 'must be between 1ms and 3650d'],
    ['POLL_FULL_SCAN_EVERY', '3651d', 'must be between 0s and 3650d'],
    ['KAFKA_MAX_MESSAGE_BYTES', '9999B', 'must be between 10kB and 2GB'],
    ['POLARIS_PREFIX_CLE', 'a\ud800', 'must be text without half a character'],
    ['POLARIS_TLS_FINGERPRINTS', ',', 'is missing'],
    ['KAFKA_BROKERS', '[::1]:9092', 'must be host:port'],
    ['KAFKA_TOPIC', 'a topic', 'must be a topic name'],
    ['KAFKA_SSL', 'yes', 'must be true or false'],
  ])('reports %s=%s by the name of the variable', (variable, value, what) => {
    const found = problems(fromEnvironment({ ...leastEnvironment, [variable]: value })).map(byVariable)
    expect(found).toEqual([expect.stringContaining(what)])
    expect(found[0]?.split(' ')[0]).toBe(variable)
  })

  test('invariant 8: quotes no value in a problem', () => {
    // The names of fields, which are keys in a file, are part of the place.
    const others = variables.filter((name) => !/^EVENT_(FIELDS|TYPES)$/.test(name))
    const planted = Object.fromEntries(others.map((name) => [name, `hunter2:\${${name}`]))
    const found = JSON.stringify(problems(fromEnvironment(planted)))
    expect(found).not.toContain('hunter2')
    expect(found).toContain('CHECKPOINT_URL')
  })
})

describe('secrets', () => {
  test('invariant 8: are not printed with the settings', () => {
    const names = ['POLARIS_USER', 'POLARIS_PASSWORD', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']
    const planted = {
      ...Object.fromEntries(names.map((name) => [name, 'planted'])),
      POLARIS_AUTH: 'basic',
      KAFKA_SASL_MECHANISM: 'plain',
      POLARIS_PROXY: 'http://planted:planted@proxy',
      POLARIS_HEADERS: 'X-Key: planted',
      KAFKA_SSL_CA: '-----BEGIN planted',
      EVENT_HMAC_KEY: 'planted'.repeat(5),
    }
    const settings = valid(fromEnvironment({ ...leastEnvironment, ...planted }))
    const printed = `${inspect(settings, { depth: 20, showHidden: true })} ${JSON.stringify(settings)} ${settings.kafka.sasl.password}`
    expect(printed).not.toContain('planted')
  })

  test('are all settings whose last word is password, user, key or secret', () => {
    const isSecret = ({ path }: { readonly path: readonly string[] }) =>
      /^(password|user|username|key|secret)$/i.test(
        path
          .at(-1)
          ?.split(/(?=[A-Z])/)
          .at(-1) ?? '',
      )
    const found = settingList().filter(isSecret)
    expect(found.length).toBeGreaterThan(4)
    expect(found.filter(({ kind }) => kind !== 'secret')).toEqual([])
  })
})

describe('secrets in files', () => {
  const login = { ...leastEnvironment, POLARIS_AUTH: 'login', POLARIS_USER: 'u' }

  test.each([
    ['a final line break is removed', 'pass word\n', 'pass word'],
    ['a final Windows line break is removed', 'pass\r\n', 'pass'],
    ['other white space is kept', ' pass \n\n', ' pass \n'],
  ])('are read from the file that NAME_FILE names: %s', (_, content, password) => {
    const settings = valid(fromEnvironment({ ...login, POLARIS_PASSWORD_FILE: '/run/p' }, { '/run/p': content }))
    expect(settings.streams[0]?.polaris.password?.reveal()).toBe(password)
  })

  test('are a problem when both NAME and NAME_FILE are set', () => {
    const both = { ...login, POLARIS_PASSWORD: 'p', POLARIS_PASSWORD_FILE: '/run/p' }
    expect(problems(fromEnvironment(both, { '/run/p': 'q' }))).toEqual([
      { place: 'POLARIS_PASSWORD', what: 'is set together with POLARIS_PASSWORD_FILE: keep only one' },
    ])
  })

  test('are a problem when the file cannot be read or is empty', () => {
    const [unreadable] = problems(fromEnvironment({ ...login, POLARIS_PASSWORD_FILE: '/run/p' }))
    expect(unreadable).toEqual({ place: 'POLARIS_PASSWORD_FILE', what: 'names a file that cannot be read (ENOENT)' })
    const [empty] = problems(fromEnvironment({ ...login, POLARIS_PASSWORD_FILE: '/run/p' }, { '/run/p': '\n' }))
    expect(empty).toEqual({ place: 'POLARIS_PASSWORD_FILE', what: 'names an empty file' })
  })

  test.each([
    ['a missing file', {}, 'must be PEM text or the path of a readable file (ENOENT)'],
    ['a file with something else', { 'ca.pem': 'nothing' }, 'must be PEM text or the path of a PEM file'],
  ])('are a problem when a PEM setting has %s', (_, files, what) => {
    for (const variable of ['POLARIS_CA', 'KAFKA_SSL_CA']) {
      const found = problems(fromEnvironment({ ...leastEnvironment, [variable]: 'ca.pem' }, files))
      expect(found.map(byVariable)).toEqual([`${variable} ${what}`])
    }
  })
})
