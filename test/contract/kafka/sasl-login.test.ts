import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { groupPlacement } from '../../../connector/kafka/group/group-placement.ts'
import { kafkaClient } from '../../../connector/kafka/kafka-client.ts'
import type { KafkaConfig } from '../../../connector/kafka/kafka-config.ts'
import { kafkaTimes } from '../../../connector/kafka/kafka-times.ts'
import type { PlacementEvent } from '../../../connector/placement/placement.ts'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { optionsWithoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { type SaslBroker, startSaslBroker } from '../../support/servers/sasl-broker.ts'
import { never } from '../../support/signals.ts'
import { streamConfig, streamPublisher } from '../../support/stream-publisher.ts'

// A server that speaks only the login part of Kafka's protocol ends each login in another way.

for (const patience of ['stream', 'group'] as const)
  Object.assign(kafkaTimes.patience[patience], { requestMs: 200, firstPauseMs: 1, maxPauseMs: 5, retries: 3 })

Object.assign(groupDefaults.rejoin, { firstPauseMs: 1, maxPauseMs: 5 })

const closing = closingAfterEach()

const start = async (...options: Parameters<typeof startSaslBroker>) =>
  closing.use(await startSaslBroker(...options), (broker) => broker.close())

const configOf = (broker: SaslBroker): KafkaConfig => ({
  ...streamConfig(broker.address, randomUUID()),
  sasl: { mechanism: 'plain', username: 'app', password: 'app-secret' },
})

/** The error code of opening a stream. */
async function codeOfOpening(broker: SaslBroker): Promise<string> {
  const publisher = streamPublisher(closing, configOf(broker))
  return await publisher.open(optionsWithoutCheckpoint, never).then(() => 'opened', codeOf)
}

/** The error code of joining the group. */
async function codeOfJoining(broker: SaslBroker): Promise<string> {
  const stop = new AbortController()
  const broken = Promise.withResolvers<PlacementEvent>()
  const kafka = configOf(broker)
  const client = { clientId: 'replica', patience: 'group', clock: systemClock } as const
  const placement = groupPlacement({
    connector: randomUUID(),
    streams: ['one'],
    create: groupDefaults.create,
    clock: systemClock,
    newClient: () => kafkaClient(kafka, client),
    observe: broken.resolve,
  })
  const running = placement.run(() => {}, stop.signal)
  const event = await broken.promise
  stop.abort()
  await running
  return event.kind === 'membership-lost' ? event.code : event.kind
}

test.each([
  ['publish.failed', 'cuts the connection during', { outcome: 'cut' }],
  ['publish.failed', 'does not answer during', { outcome: 'hang' }],
  ['publish.failed', 'cuts the connection before', { outcome: 'cut', handshake: 'cut' }],
  ['publish.unauthorized', 'rejects the credentials in', { outcome: { code: 58 } }],
  ['publish.unauthorized', 'does not offer the mechanism for', { outcome: 'cut', handshake: { code: 33 } }],
] as const)('opening a stream and joining the group report %s when a broker %s a login', async (code, _, options) => {
  const broker = await start(options)
  expect(await codeOfOpening(broker)).toBe(code)
  if (code === 'publish.unauthorized') expect(broker.logins()).toBeLessThanOrEqual(1)
  expect(await codeOfJoining(broker)).toBe(code)
})
