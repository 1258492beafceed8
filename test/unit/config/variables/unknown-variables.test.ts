import { expect, test } from 'vitest'
import { fromEnvironment, fromFile, leastEnvironment, leastFile, problems } from '../config-sources.ts'

const problemsWith = (variable: string, value: string) =>
  problems(fromEnvironment({ ...leastEnvironment, [variable]: value }))

test.each([
  ['KAFKA_BROKER', 'KAFKA_BROKERS'],
  ['kafka_brokers', 'KAFKA_BROKERS'],
  ['POLARIS_CODEMAGASIN', 'POLARIS_CODE_MAGASIN'],
  ['POLL_INTERVALL', 'POLL_INTERVAL'],
  ['CHECKPOINT_URI', 'CHECKPOINT_URL'],
  ['POLARIS_PASWORD_FILE', 'POLARIS_PASSWORD'],
  ['LOG_LEVL', 'LOG_LEVEL'],
  ['CONECTOR_ID', 'CONNECTOR_ID'],
  ['PLACEMNT', 'PLACEMENT'],
  ['HTTP_POR', 'HTTP_PORT'],
  ['AWS_REGON', 'AWS_REGION'],
  ['AWS_ENDPOINT_URL_S', 'AWS_ENDPOINT_URL_S3'],
  ['AWS_ACCES_KEY_ID', 'AWS_ACCESS_KEY_ID'],
  ['AWS_SECRET_ACCESKEY', 'AWS_SECRET_ACCESS_KEY'],
])('%s is refused with the suggestion %s', (variable, meant) => {
  expect(problemsWith(variable, 'x')).toEqual([{ place: variable, what: `is not a setting; did you mean ${meant}?` }])
})

test.each(['POLARIS_FOO', 'POLARIS_FOO_FILE', 'polaris_foo', 'POLL_EVERY_NIGHT', 'CHECKPOINT_DIRECTORY'])(
  '%s is refused: the prefix is the connector’s',
  (variable) => {
    expect(problemsWith(variable, 'x')).toEqual([
      { place: variable, what: 'is not a setting: remove it; config/reference.md lists all variables' },
    ])
  },
)

test.each([
  // Kubernetes, for services called kafka, polaris and polaris-clients-connector.
  ['KAFKA_PORT', 'tcp://10.0.0.1:9092'],
  ['KAFKA_PORT_9092_TCP', 'tcp://10.0.0.1:9092'],
  ['KAFKA_PORT_9092_TCP_ADDR', '10.0.0.1'],
  ['KAFKA_SSL_PORT', 'tcp://10.0.0.1:9093'],
  ['KAFKA_SERVICE_HOST', '10.0.0.2'],
  ['POLARIS_SERVICE_HOST', '10.0.0.2'],
  ['POLARIS_SERVICE_PORT', '3443'],
  ['POLARIS_SERVICE_PORT_HTTPS', '3443'],
  ['POLARIS_PORT', 'tcp://10.0.0.2:3443'],
  ['POLARIS_PORT_3443_TCP_PROTO', 'tcp'],
  ['POLARIS_CLIENTS_CONNECTOR_SERVICE_PORT_HTTP', '8080'],
  // Kafka's own programs and images.
  ['KAFKA_HEAP_OPTS', '-Xmx1g'],
  ['KAFKA_OPTS', '-Dx=y'],
  ['KAFKA_HOME', '/opt/kafka'],
  ['KAFKA_URL', 'kafka+ssl://k:9096'],
  ['KAFKA_ADVERTISED_LISTENERS', 'PLAINTEXT://k:9092'],
  ['KAFKA_SASL_ENABLED_MECHANISMS', 'PLAIN'],
  ['KAFKA_SSL_KEYSTORE_LOCATION', '/k.jks'],
  // AWS: SDKs and runtimes.
  ['AWS_EXECUTION_ENV', 'AWS_ECS_FARGATE'],
  ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '/v2/x'],
  ['AWS_WEB_IDENTITY_TOKEN_FILE', '/var/run/token'],
  ['AWS_SHARED_CREDENTIALS_FILE', '/home/c'],
  ['AWS_ROLE_ARN', 'arn:aws:iam::1:role/r'],
  ['AWS_ENDPOINT_URL_STS', 'https://sts'],
  ['AWS_ENDPOINT_URL_SQS', 'https://sqs'],
  ['AWS_ENDPOINT_URL_SSM', 'https://ssm'],
  ['AWS_RESPONSE_CHECKSUM_VALIDATION', 'when_required'],
  ['AWS_STS_REGIONAL_ENDPOINTS', 'regional'],
  // Anything.
  ['HTTPS_PORT', '8443'],
  ['HTTP_HOST', 'x'],
  ['ALL_PROXY', 'http://p'],
  ['FTP_PROXY', 'http://p'],
  ['LANG', 'C'],
  ['PATH', '/bin'],
  ['CONNECT_REST_PORT', '8083'],
  ['POLARIS_FOO', ''],
])('%s=%s is ignored', (variable, value) => {
  expect(problemsWith(variable, value)).toEqual([])
})

test('a variable that the configuration file refers to is no setting of its own', () => {
  const file = `${leastFile.replace('shops', '$' + '{POLARIS_FOO}')}streams: [{ polaris: { url: https://p, codeMagasin: 1 } }]\n`
  expect(problems(fromFile(file, { POLARIS_FOO: 'shops', POLARIS_BAR: 'x' }))).toMatchObject([{ place: 'POLARIS_BAR' }])
})
