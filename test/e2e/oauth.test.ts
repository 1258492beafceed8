import { beforeAll, expect, test } from 'vitest'
import { closingAfterAll } from '../support/closing.ts'
import type { ConnectorProcess } from '../support/connector-process.ts'
import { type KafkaCluster, startKafka } from '../support/servers/kafka-broker.ts'
import { startTokenServer, type TokenServer, tokenClient, tokenListener } from '../support/servers/token-server.ts'
import { expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'

// A broker accepts only tokens of a token server, which live for seconds and then fail.

const audience = 'kafka'
const closing = closingAfterAll()
let tokens: TokenServer
let kafka: KafkaCluster

beforeAll(async () => {
  // Half of the lifetime is left when the connector requests the next token; kafkajs logs in again 10 s before the end.
  tokens = closing.use(await startTokenServer({ lifetimeS: 22, isDown: false }), (server) => server.close())
  kafka = closing.use(await startKafka({ secure: true, ...tokenListener(tokens, audience) }), (broker) =>
    broker.close(),
  )
})

function tokenScene(environment: Record<string, string> = {}): Promise<Scene> {
  if (kafka.secure === undefined) throw new Error('no secure listener')
  return scene({
    source: { clients: 60 },
    environment: {
      KAFKA_SSL_CA: kafka.secure.certificates.authority,
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_OAUTH_TOKEN_ENDPOINT: tokens.tokenEndpoint,
      NODE_EXTRA_CA_CERTS: tokens.authority,
      KAFKA_SASL_USERNAME: tokenClient.id,
      KAFKA_SASL_PASSWORD: tokenClient.secret,
      KAFKA_OAUTH_PARAMETERS: `audience: ${audience}`,
      LOG_LEVEL: 'trace',
      ...environment,
    },
    brokers: { connector: kafka.secure.bootstrap, reader: kafka.bootstrap },
  })
}

function expectNothingSecret(connector: ConnectorProcess): void {
  for (const text of [tokenClient.secret, encodeURIComponent(tokenClient.secret), 'Basic ', ...tokens.issued]) {
    expect(connector.output()).not.toContain(text)
  }
}

test('publishes exactly once while tokens expire, and resumes by itself after an outage of the token server', async () => {
  const { start, simulator, caughtUp } = await tokenScene({ PLACEMENT: 'group' })
  const connector = start()
  await connector.line(({ msg }) => msg === 'caught up')
  // A new broker may answer the first requests of a group with GROUP_LOAD_IN_PROGRESS.
  const started = connector.lines().length
  const before = tokens.issued.length
  const changedAndIssued = () => {
    simulator.change()
    return tokens.issued.length
  }
  await expect.poll(changedAndIssued, { timeout: 120_000, interval: 300 }).toBeGreaterThan(before)
  expect(
    connector
      .lines()
      .slice(started)
      .filter(({ code }) => code !== undefined),
  ).toEqual([])

  tokens.settings.isDown = true
  const { error } = await connector.line(({ code }) => code === 'publish.failed')
  expect(error).toContain(`request a token from ${tokens.tokenEndpoint}: connection closed without a complete response`)
  tokens.settings.isDown = false
  await connector.line(({ msg }) => msg === 'rejoined the consumer group')
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(await connector.stop()).toBe(0)
  expectNothingSecret(connector)
})
