import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { groupPlacement } from '../../../connector/kafka/group/group-placement.ts'
import { type KafkaConfig, kafkaDefaults } from '../../../connector/kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../../../connector/kafka/kafka-event-publisher.ts'
import type { PlacementEvent } from '../../../connector/placement/placement.ts'
import { groupDefaults } from '../../../connector/placement/placement-config.ts'
import { withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { type CloseStack, closeStack } from '../../../connector/runtime/close-stack.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { refusedAccounts } from '../../../connector/runtime/refused-accounts.ts'
import { type SaslBroker, startSaslBroker } from '../../support/servers/sasl-broker.ts'
import { never } from '../../support/signals.ts'

let closing: CloseStack = closeStack()
afterEach(async () => {
  await closing.close()
  closing = closeStack()
})

const start = async (...options: Parameters<typeof startSaslBroker>) =>
  closing.use(await startSaslBroker(...options), (broker) => broker.close())

const mechanisms = ['plain', 'scram-sha-256'] as const
type Mechanism = (typeof mechanisms)[number]

function connection(brokers: readonly SaslBroker[], mechanism: Mechanism): Omit<KafkaConfig, 'topic'> {
  return {
    ...kafkaDefaults,
    brokers: brokers.map(({ address }) => address),
    sasl: { mechanism, username: 'app', password: 'app-secret' },
    timeouts: { ...kafkaDefaults.timeouts, requestMs: 200, closeMs: 100 },
    retry: { firstPauseMs: 1, maxPauseMs: 5, retries: 3 },
  }
}

/** The error code of opening a stream. */
async function codeOfOpening(brokers: readonly SaslBroker[], mechanism: Mechanism): Promise<string> {
  const name = randomUUID()
  const config = { ...connection(brokers, mechanism), topic: { events: name, deadLetters: `${name}.dlq` } }
  const parts = {
    connector: 'test',
    stream: name,
    clock: systemClock,
    accounts: refusedAccounts(systemClock),
    log: () => undefined,
  }
  const publisher = closing.use(kafkaEventPublisher(config, parts), (opened) => opened.close())
  return await publisher.open(withoutCheckpoint, never).then(() => 'opened', codeOf)
}

/** The error code of joining the group. */
async function codeOfJoining(brokers: readonly SaslBroker[], mechanism: Mechanism): Promise<string> {
  const stop = new AbortController()
  const broken = Promise.withResolvers<PlacementEvent>()
  const placement = groupPlacement(
    { ...groupDefaults, rejoin: { firstPauseMs: 1, maxPauseMs: 5 } },
    {
      connector: randomUUID(),
      replica: 'replica',
      streams: ['one'],
      kafka: connection(brokers, mechanism),
      clock: systemClock,
      accounts: refusedAccounts(systemClock),
      log: () => undefined,
      observe: broken.resolve,
    },
  )
  const running = placement.run(() => {}, stop.signal)
  const event = await broken.promise
  stop.abort()
  await running
  return event.kind === 'membership-lost' ? event.code : event.kind
}

describe('opening a stream', () => {
  it.each(mechanisms)('is transient when a broker closes the connection during a %s exchange', async (mechanism) => {
    const broker = await start({ outcome: 'cut' })
    expect(await codeOfOpening([broker], mechanism)).toBe('publish.unreachable')
    expect(broker.logins()).toBeGreaterThan(1)
  })

  it.each(mechanisms)('is transient when a broker does not answer during a %s exchange', async (mechanism) => {
    const broker = await start({ outcome: 'hang' })
    expect(await codeOfOpening([broker], mechanism)).toBe('publish.unreachable')
    expect(broker.logins()).toBeGreaterThan(1)
  })

  it.each(['cut', 'hang'] as const)(
    'is transient when the handshake before the exchange fails: %s',
    async (handshake) => {
      const broker = await start({ outcome: { code: 58 }, handshake })
      expect(await codeOfOpening([broker], 'plain')).toBe('publish.unreachable')
      expect(broker.logins()).toBe(0)
    },
  )

  it.each([
    ['ILLEGAL_SASL_STATE', 34],
    ['UNKNOWN_SERVER_ERROR', -1],
  ] as const)('is transient when the exchange ends with %s', async (_, code) => {
    const broker = await start({ outcome: { code } })
    expect(await codeOfOpening([broker], 'plain')).toBe('publish.failed')
  })

  it.each(mechanisms)(
    'is unauthorized after one attempt when a broker rejects the credentials (%s)',
    async (mechanism) => {
      const broker = await start({ outcome: { code: 58 } })
      expect(await codeOfOpening([broker], mechanism)).toBe('publish.unauthorized')
      expect(broker.logins()).toBe(1)
    },
  )

  it('is unauthorized when a broker does not offer the mechanism', async () => {
    const broker = await start({ outcome: 'cut', handshake: { code: 33 } })
    expect(await codeOfOpening([broker], 'plain')).toBe('publish.unauthorized')
  })

  it.each(['cut', 'hang'] as const)(
    'tries another broker when the exchange with the first fails: %s',
    async (outcome) => {
      const [first, second] = [await start({ outcome }), await start({ outcome: { code: 58 } })]
      expect(await codeOfOpening([first, second], 'plain')).toBe('publish.unauthorized')
      expect([first.logins(), second.logins()]).toEqual([1, 1])
    },
  )
})

it.each([
  ['publish.unreachable', 'cut'],
  ['publish.unreachable', 'hang'],
  ['publish.unauthorized', { code: 58 }],
] as const)('joining the group reports %s when the outcome of the exchange is %j', async (code, outcome) => {
  expect(await codeOfJoining([await start({ outcome })], 'plain')).toBe(code)
})
