import { expect, test } from 'vitest'
import { fromEnvironment, fromFile, leastEnvironment, leastFile, problems } from './config-sources.ts'

const problemsWith = (variable: string, value: string) =>
  problems(fromEnvironment({ ...leastEnvironment, [variable]: value }))

const misspelled = (place: string, meant: string) => ({ place, what: `is not a setting; did you mean ${meant}?` })

test.each([
  ['POLARIS_PASWORD_FILE', 'POLARIS_PASSWORD'],
  ['polaris_url', 'POLARIS_URL'],
  ['POLL_INTERVALL', 'POLL_INTERVAL'],
])('%s is refused with the suggestion %s', (variable, meant) => {
  expect(problemsWith(variable, 'x')).toEqual([misspelled(variable, meant)])
})

test.each([
  ['KAFKA_BROKER', 'KAFKA_BROKERS'],
  ['kafka_brokers', 'KAFKA_BROKERS'],
  ['AWS_SECRET_ACCESKEY', 'AWS_SECRET_ACCESS_KEY'],
  ['LOGLEVEL', 'LOG_LEVEL'],
])('%s, which may be of another program, is a warning with the suggestion %s', (variable, meant) => {
  const loaded = fromEnvironment({ ...leastEnvironment, [variable]: 'x' })
  expect(loaded).toMatchObject({ kind: 'valid', warnings: [misspelled(variable, meant)] })
  expect(problems(fromEnvironment({ ...leastEnvironment, [variable]: 'x', POLL_INTERVAL: '5' }))).toMatchObject([
    misspelled(variable, meant),
    { place: 'streams[0].poll.interval (POLL_INTERVAL)' },
  ])
})

test.each([
  // Kubernetes, for services called kafka, polaris and polaris-clients-connector.
  ['KAFKA_PORT', 'tcp://10.0.0.1:9092'],
  ['POLARIS_SERVICE_HOST', '10.0.0.2'],
  ['POLARIS_PORT_3443_TCP_PROTO', 'tcp'],
  ['POLARIS_CLIENTS_CONNECTOR_SERVICE_PORT_HTTP', '8080'],
  // Kafka's own programs and images.
  ['KAFKA_HEAP_OPTS', '-Xmx1g'],
  ['KAFKA_OPTS', '-Dx=y'],
  ['KAFKA_ADVERTISED_LISTENERS', 'PLAINTEXT://k:9092'],
  ['KAFKA_SASL_ENABLED_MECHANISMS', 'PLAIN'],
  // AWS: SDKs and runtimes.
  ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '/v2/x'],
  ['AWS_WEB_IDENTITY_TOKEN_FILE', '/var/run/token'],
  ['AWS_ENDPOINT_URL_STS', 'https://sts'],
  ['AWS_RESPONSE_CHECKSUM_VALIDATION', 'when_required'],
  // Anything.
  ['HTTPS_PORT', '8443'],
  ['ALL_PROXY', 'http://p'],
  ['POLARIS_FOO', ''],
])('%s=%s is ignored', (variable, value) => {
  expect(problemsWith(variable, value)).toEqual([])
})

test('a variable that the configuration file refers to is no setting of its own', () => {
  const file = `${leastFile.replace('shops', '$' + '{POLARIS_FOO}')}streams: [{ polaris: { url: https://p, codeMagasin: 1 } }]\n`
  expect(problems(fromFile(file, { POLARIS_FOO: 'shops', POLARIS_BAR: 'x' }))).toMatchObject([{ place: 'POLARIS_BAR' }])
})
