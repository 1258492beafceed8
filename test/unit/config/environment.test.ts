import { describe, expect, test } from 'vitest'
import { settingList } from '../../../connector/config/setting-list.ts'
import { fromEnvironment, leastEnvironment, problems, valid } from './config-sources.ts'

const fixedNames =
  `CONNECTOR_ID STREAM_NAME POLARIS_URL POLARIS_AUTH POLARIS_USER POLARIS_PASSWORD POLARIS_TLS_FINGERPRINT POLARIS_CA
  POLARIS_CODE_MAGASIN POLARIS_PREFIX_CLE POLARIS_LAST_CHANGED POLARIS_LIMIT POLARIS_OUTPUT POLARIS_TIME_ZONE POLARIS_CLIENT_ID_FIELD
  POLARIS_MODIFIED_AT_FIELD POLARIS_CLIENTS_FIELD POLARIS_LIST_FIELDS POLARIS_HASH_IGNORE POLL_INTERVAL POLL_OVERLAP POLL_TAIL KAFKA_BROKERS
  KAFKA_TOPIC KAFKA_SSL KAFKA_SSL_CA KAFKA_SSL_CERT KAFKA_SSL_KEY KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD DELIVERY
  CHECKPOINT_URL AWS_ENDPOINT_URL_S3 S3_FORCE_PATH_STYLE HTTP_PORT LOG_LEVEL`.split(/\s+/)

const pem = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n'

describe('one stream from the environment alone', () => {
  test('five variables are enough, and the defaults are those of the reference', () => {
    const settings = valid(fromEnvironment(leastEnvironment))
    const [stream] = settings.streams
    expect(settings).toMatchObject({
      connector: 'shops',
      http: { port: 8080 },
      log: { level: 'info' },
      kafka: { brokers: ['kafka-1:9092', 'kafka-2:9092'], delivery: 'exactly-once', offsetsRetention: 604_800_000 },
      checkpoint: { savePeriod: 60_000 },
    })
    expect(stream).toMatchObject({
      name: 'clients',
      polaris: { auth: 'none', codeMagasin: 1, limit: 100, output: 'xml', timeZone: 'Europe/Paris', listFields: [] },
      poll: {
        interval: 5000,
        overlap: 300_000,
        tail: 'overlap',
        onRefusedCheckPoint: 'read-again',
        maxEmptyPages: 100,
        windowSize: 20_000,
      },
      deadLetters: { includeClient: false, maxPercent: 10, minimum: 10, of: 1000 },
      kafka: { topic: 'client.modified' },
      sharedKeys: false,
    })
  })

  test('every fixed name sets one setting', () => {
    const known = settingList().flatMap(({ variable }) => variable ?? [])
    expect(fixedNames.filter((name) => !known.includes(name))).toEqual([])
    expect(new Set(known).size).toBe(known.length)
  })

  test('every fixed name arrives where it belongs', () => {
    const fingerprint = 'AB'.repeat(32)
    const settings = valid(
      fromEnvironment({
        ...leastEnvironment,
        STREAM_NAME: 'paris',
        POLARIS_AUTH: 'basic',
        POLARIS_USER: 'u',
        POLARIS_PASSWORD: 'p',
        POLARIS_TLS_FINGERPRINT: fingerprint,
        POLARIS_CODE_MAGASIN: '-7',
        POLARIS_PREFIX_CLE: '007',
        POLARIS_LAST_CHANGED: '2024-02-29T01:02:03',
        POLARIS_LIMIT: '500',
        POLARIS_OUTPUT: 'json',
        POLARIS_TIME_ZONE: 'Europe/Madrid',
        POLARIS_CLIENT_ID_FIELD: 'No',
        POLARIS_MODIFIED_AT_FIELD: 'Dates.Modif',
        POLARIS_CLIENTS_FIELD: 'Clients',
        POLARIS_LIST_FIELDS: 'Cartes, Adresse.Telephones',
        POLARIS_HASH_IGNORE: 'Age',
        POLL_INTERVAL: '500ms',
        POLL_OVERLAP: '0s',
        POLL_TAIL: 'checkpoint',
        KAFKA_TOPIC: 'clients.paris',
        KAFKA_SSL: 'TRUE',
        KAFKA_SSL_CA: pem,
        KAFKA_SSL_CERT: pem,
        KAFKA_SSL_KEY: pem,
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
        KAFKA_SASL_USERNAME: 'ku',
        KAFKA_SASL_PASSWORD: 'kp',
        DELIVERY: 'at-least-once',
        AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:7070',
        S3_FORCE_PATH_STYLE: 'true',
        HTTP_PORT: '0',
        LOG_LEVEL: 'trace',
      }),
    )
    const [stream] = settings.streams
    expect(settings).toMatchObject({
      http: { port: 0 },
      log: { level: 'trace' },
      checkpoint: { endpoint: 'http://127.0.0.1:7070', forcePathStyle: true },
      kafka: {
        delivery: 'at-least-once',
        ssl: { enabled: true, ca: pem, cert: pem },
        sasl: { mechanism: 'SCRAM-SHA-512' },
      },
    })
    expect(
      [settings.kafka.sasl.username, settings.kafka.sasl.password, settings.kafka.ssl.key].map((it) => it?.reveal()),
    ).toEqual(['ku', 'kp', pem])
    expect(stream?.polaris.password?.reveal()).toBe('p')
    expect(stream).toMatchObject({
      name: 'paris',
      polaris: {
        auth: 'basic',
        tls: { fingerprint },
        codeMagasin: -7,
        prefixCle: '007',
        lastChanged: '2024-02-29T01:02:03',
        limit: 500,
        output: 'json',
        timeZone: 'Europe/Madrid',
        clientIdField: 'No',
        modifiedAtField: 'Dates.Modif',
        clientsField: 'Clients',
        listFields: ['Cartes', 'Adresse.Telephones'],
        hashIgnore: ['Age'],
      },
      poll: { interval: 500, overlap: 0, tail: 'checkpoint' },
      kafka: { topic: 'clients.paris' },
    })
  })

  test('an empty variable counts as unset', () => {
    expect(valid(fromEnvironment({ ...leastEnvironment, HTTP_PORT: '', POLARIS_LIMIT: '', KAFKA_SSL: '' }))).toEqual(
      valid(fromEnvironment(leastEnvironment)),
    )
    expect(problems(fromEnvironment({ ...leastEnvironment, CONNECTOR_ID: '' }))).toEqual([
      { variable: 'CONNECTOR_ID', path: 'connector', what: 'is missing' },
    ])
  })

  test('the general AWS variables stand in for the ones of S3', () => {
    const general = { AWS_ENDPOINT_URL: 'https://all.example.com', AWS_DEFAULT_REGION: 'gra' }
    expect(valid(fromEnvironment({ ...leastEnvironment, ...general })).checkpoint).toMatchObject({
      endpoint: 'https://all.example.com',
      region: 'gra',
    })
    const special = { ...general, AWS_ENDPOINT_URL_S3: 'https://s3.example.com', AWS_REGION: 'sbg' }
    expect(valid(fromEnvironment({ ...leastEnvironment, ...special })).checkpoint).toMatchObject({
      endpoint: 'https://s3.example.com',
      region: 'sbg',
    })
  })

  test('everything that is missing is named by its variable at once', () => {
    expect(problems(fromEnvironment({})).map(({ variable, what }) => `${variable} ${what}`)).toEqual([
      'CONNECTOR_ID is missing',
      'KAFKA_BROKERS is missing',
      'CHECKPOINT_URL is missing',
      'POLARIS_URL is missing',
      'POLARIS_CODE_MAGASIN is missing',
    ])
  })

  test.each([
    ['CONNECTOR_ID', 'Shops', 'is no name'],
    ['CONNECTOR_ID', 'a.b', 'is no name'],
    ['STREAM_NAME', 'a_b', 'is no name'],
    ['STREAM_NAME', 'doctor', 'is no name'],
    ['POLARIS_URL', 'polaris:3443', 'is no address'],
    ['POLARIS_URL', 'https://u:p@polaris', 'is no address'],
    ['POLARIS_URL', 'https://polaris/?a=b', 'is no address'],
    ['POLARIS_AUTH', 'ntlm', 'is none of none, basic, login'],
    ['POLARIS_TLS_FINGERPRINT', 'abc', 'is no SHA-256 fingerprint'],
    ['POLARIS_CODE_MAGASIN', '2147483648', 'is no whole number'],
    ['POLARIS_CODE_MAGASIN', '1.5', 'is no whole number'],
    ['POLARIS_CODE_MAGASIN', 'one', 'is no whole number'],
    ['POLARIS_LAST_CHANGED', '2023-02-29', 'is no date'],
    ['POLARIS_LAST_CHANGED', '2024-01-01T25:00:00', 'is no date'],
    ['POLARIS_LAST_CHANGED', '2024-13-01', 'is no date'],
    ['POLARIS_LAST_CHANGED', '31/01/2024', 'is no date'],
    ['POLARIS_LIMIT', '0', 'is no whole number from 1'],
    ['POLARIS_OUTPUT', 'csv', 'is none of xml, json'],
    ['POLARIS_TIME_ZONE', 'Europe/Pariss', 'is no time zone'],
    ['POLARIS_CLIENT_ID_FIELD', 'a b', 'is no field'],
    ['POLARIS_LIST_FIELDS', 'Cartes,a..b', 'is no field'],
    ['POLL_INTERVAL', '5', 'is no duration'],
    ['POLL_INTERVAL', '0s', 'is not between 1ms'],
    ['KAFKA_BROKERS', 'kafka', 'is no broker'],
    ['KAFKA_BROKERS', '[::1]:9092', 'is no broker'],
    ['KAFKA_TOPIC', 'a topic', 'is no topic name'],
    ['KAFKA_SSL', 'yes', 'is neither true nor false'],
    ['DELIVERY', 'at-most-once', 'is none of exactly-once, at-least-once'],
    ['CHECKPOINT_URL', 's3://', 'is no checkpoint store'],
    ['CHECKPOINT_URL', 'gs://bucket', 'is no checkpoint store'],
    ['CHECKPOINT_URL', 'file:', 'is no checkpoint store'],
    ['HTTP_PORT', '65536', 'is no whole number from 0 to 65535'],
    ['LOG_LEVEL', 'verbose', 'is none of trace'],
  ])('%s=%s is refused by its name', (variable, value, what) => {
    const found = problems(fromEnvironment({ ...leastEnvironment, [variable]: value }))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ variable, what: expect.stringContaining(what) })
  })

  test('no value is ever quoted in a problem', () => {
    const planted = Object.fromEntries(fixedNames.map((name) => [name, `hunter2:\${${name}`]))
    const found = JSON.stringify(problems(fromEnvironment(planted)))
    expect(found).not.toContain('hunter2')
    expect(found).toContain('CHECKPOINT_URL')
  })
})

describe('secrets in files', () => {
  const login = { ...leastEnvironment, POLARIS_AUTH: 'login', POLARIS_USER: 'u' }

  test.each([
    ['a line break at the end is cut', 'pass word\n', 'pass word'],
    ['so is a Windows one', 'pass\r\n', 'pass'],
    ['other blanks are the secret', ' pass \n\n', ' pass \n'],
  ])('NAME_FILE names a file with the value: %s', (_, content, password) => {
    const settings = valid(fromEnvironment({ ...login, POLARIS_PASSWORD_FILE: '/run/p' }, { '/run/p': content }))
    expect(settings.streams[0]?.polaris.password?.reveal()).toBe(password)
  })

  test('NAME and NAME_FILE together are a problem', () => {
    const both = { ...login, POLARIS_PASSWORD: 'p', POLARIS_PASSWORD_FILE: '/run/p' }
    expect(problems(fromEnvironment(both, { '/run/p': 'q' }))).toEqual([
      { variable: 'POLARIS_PASSWORD', what: 'is set and POLARIS_PASSWORD_FILE too: keep one of them' },
    ])
  })

  test('a file that cannot be read, and an empty one, are problems', () => {
    const [unreadable] = problems(fromEnvironment({ ...login, POLARIS_PASSWORD_FILE: '/run/p' }))
    expect(unreadable).toEqual({ variable: 'POLARIS_PASSWORD_FILE', what: 'names a file that cannot be read (ENOENT)' })
    const [empty] = problems(fromEnvironment({ ...login, POLARIS_PASSWORD_FILE: '/run/p' }, { '/run/p': '\n' }))
    expect(empty).toEqual({ variable: 'POLARIS_PASSWORD_FILE', what: 'names a file that is empty' })
  })

  test('a PEM setting takes the text or the path of a file', () => {
    const settings = valid(
      fromEnvironment({ ...leastEnvironment, POLARIS_CA: 'ca.pem', KAFKA_SSL_CA: pem }, { 'ca.pem': pem }),
    )
    expect(settings.streams[0]?.polaris.tls.ca).toBe(pem)
    expect(settings.kafka.ssl.ca).toBe(pem)
  })

  test.each([
    ['no such file', {}, 'is no PEM text and names no file that can be read (ENOENT)'],
    ['a file with something else', { 'ca.pem': 'nothing' }, 'is no PEM text and no path of a PEM file'],
  ])('a PEM setting with %s is a problem', (_, files, what) => {
    for (const variable of ['POLARIS_CA', 'KAFKA_SSL_CA']) {
      const found = problems(fromEnvironment({ ...leastEnvironment, [variable]: 'ca.pem' }, files))
      expect(found).toMatchObject([{ variable, what }])
    }
  })

  test('the key of a certificate is checked like the certificate', () => {
    const pair = { ...leastEnvironment, KAFKA_SSL_CERT: pem, KAFKA_SSL_KEY: 'key.pem' }
    expect(problems(fromEnvironment(pair, { 'key.pem': 'nothing' }))).toMatchObject([{ variable: 'KAFKA_SSL_KEY' }])
  })
})

describe('misspelled variables', () => {
  test.each([
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['POLARIS_CODEMAGASIN', 'POLARIS_CODE_MAGASIN'],
    ['POLL_INTERVALL', 'POLL_INTERVAL'],
    ['CHECKPOINT_URI', 'CHECKPOINT_URL'],
    ['POLARIS_PASWORD_FILE', 'POLARIS_PASSWORD'],
  ])('%s is a problem that names %s', (variable, meant) => {
    expect(problems(fromEnvironment({ ...leastEnvironment, [variable]: 'x' }))).toEqual([
      { variable, what: `is not a setting; did you mean ${meant}?` },
    ])
  })

  test.each([
    ['KAFKA_HEAP_OPTS', '-Xmx1g'],
    ['KAFKA_PORT_9092_TCP', 'tcp://10.0.0.1:9092'],
    ['KAFKA_SSL_PORT', 'tcp://10.0.0.1:9093'],
    ['POLARIS_SERVICE_HOST', '10.0.0.2'],
    ['PATH', '/bin'],
  ])('%s=%s is nobody business', (variable, value) => {
    expect(problems(fromEnvironment({ ...leastEnvironment, [variable]: value }))).toEqual([])
  })
})
