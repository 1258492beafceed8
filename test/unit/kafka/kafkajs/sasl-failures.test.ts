import { createRequire } from 'node:module'
import { beforeAll, expect, it } from 'vitest'
import { classifyKafkaError } from '../../../../connector/kafka/kafka-errors.ts'
import { patchKafkaJs } from '../../../../connector/kafka/kafkajs/kafkajs-patches.ts'

const load = createRequire(import.meta.url)
const SaslAuthenticator = load('kafkajs/src/broker/saslAuthenticator')
const { KafkaJSConnectionClosedError } = load('kafkajs/src/errors')
const { createErrorFromCode } = load('kafkajs/src/protocol/error')
const logger = { debug: () => undefined, error: () => undefined, namespace: () => logger }
const versions = { 17: { minVersion: 0, maxVersion: 1 }, 36: { minVersion: 0, maxVersion: 1 } }

beforeAll(patchKafkaJs)

/** Logs in to a broker that offers every mechanism and handles the exchange like this. */
async function login(mechanism: string, exchange: () => Promise<object>): Promise<unknown> {
  const connection = {
    host: 'broker',
    port: 9092,
    sasl: { mechanism, username: 'app', password: 'secret' },
    send: async ({ request }: { request: { apiName: string } }) =>
      request.apiName === 'SaslHandshake' ? { enabledMechanisms: ['PLAIN', 'SCRAM-SHA-256'] } : await exchange(),
  }
  return await new SaslAuthenticator(connection, logger, versions, true).authenticate().then(
    () => 'logged in',
    (error: unknown) => error,
  )
}

const answer = (text: string) => async () => {
  const size = Buffer.alloc(4)
  size.writeInt32BE(text.length)
  return { authBytes: Buffer.concat([size, Buffer.from(text)]) }
}

it('does not change a successful login', async () => {
  expect(await login('plain', answer(''))).toBe('logged in')
})

it.each(['plain', 'scram-sha-256'])(
  "throws the broker's rejection itself when it rejects the credentials (%s)",
  async (mechanism) => {
    const rejection = createErrorFromCode(58)
    expect(await login(mechanism, () => Promise.reject(rejection))).toBe(rejection)
    expect(classifyKafkaError(rejection)).toBe('publish.unauthorized')
  },
)

it('throws a connection error with its cause when the connection closes during the exchange', async () => {
  const cause = new KafkaJSConnectionClosedError('Closed connection', { host: 'broker', port: 9092 })
  const error = await login('plain', () => Promise.reject(cause))
  expect(error).toMatchObject({ name: 'KafkaJSConnectionError', retriable: true, broker: 'broker:9092', cause })
  expect(classifyKafkaError(error)).toBe('publish.unreachable')
})

it('throws a connection error when kafkajs does not accept the response of the broker', async () => {
  const error = await login('scram-sha-256', answer('r=wrong-nonce,s=c2FsdA==,i=4096'))
  expect(error).toMatchObject({ name: 'KafkaJSConnectionError', cause: { name: 'KafkaJSSASLAuthenticationError' } })
  expect(classifyKafkaError(error)).toBe('publish.unreachable')
})
