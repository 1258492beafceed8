import { createRequire } from 'node:module'
import type { AuthenticationProviderArgs, Logger } from 'kafkajs'
import { expect, test } from 'vitest'
import type { SaslConfig } from '../../../../connector/kafka/kafka-config.ts'
import { saslLogin } from '../../../../connector/kafka/kafkajs/sasl-login.ts'
import { refusedAccounts } from '../../../../connector/runtime/refused-accounts.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

const { createErrorFromCode }: { createErrorFromCode(code: number): Error } = createRequire(import.meta.url)(
  'kafkajs/src/protocol/error',
)
const rejection = createErrorFromCode(58)
const logger = { debug: () => undefined, error: () => undefined } as unknown as Logger

/** A broker that handles each message of a login with `answer`. */
function stage(answer: (message: string) => Promise<void>) {
  const messages: string[] = []
  const clock = virtualClock(0)
  const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const satisfies SaslConfig
  const account: { -readonly [Key in keyof typeof sasl]: string } = { ...sasl }
  const { authenticationProvider } = saslLogin(account as SaslConfig, {
    server: 'broker:9092',
    accounts: refusedAccounts(clock),
    clock,
    limitMs: 1_000,
  })
  const saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'] = async ({ request }) => {
    // The first four bytes are the length.
    const message = String((await request.encode()).subarray(4)).replaceAll('\0', ' ')
    messages.push(message)
    await answer(message)
  }
  const connect = () => authenticationProvider({ host: 'broker', port: 9092, logger, saslAuthenticate }).authenticate()
  return { clock, account, messages, connect }
}

test('each connection logs in with the account configured at that time', async () => {
  const { account, messages, connect } = stage(async () => undefined)
  await connect()
  Object.assign(account, { username: 'v', password: 'q' })
  await connect()
  expect(messages).toEqual([' u p', ' v q'].map((message) => expect.stringContaining(message)))
})

test('no connection logs in with the same password for a minute when a broker has rejected it', async () => {
  const { clock, messages, connect } = stage(() => Promise.reject(rejection))
  for (const _connection of [1, 2, 3]) await expect(connect()).rejects.toBe(rejection)
  expect(messages).toHaveLength(1)
  clock.jump(60_000)
  await expect(connect()).rejects.toBe(rejection)
  expect(messages).toHaveLength(2)
})

test('the next connection logs in again when a connection closes during a login', async () => {
  const { messages, connect } = stage(() => Promise.reject(new Error('connection closed')))
  for (const _connection of [1, 2]) await expect(connect()).rejects.toThrow('connection closed')
  expect(messages).toHaveLength(2)
})
