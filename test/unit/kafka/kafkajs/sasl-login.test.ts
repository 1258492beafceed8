import { createRequire } from 'node:module'
import type { AuthenticationProviderArgs, Logger } from 'kafkajs'
import { expect, test } from 'vitest'
import type { SaslConfig } from '../../../../connector/kafka/kafka-config.ts'
import { saslLogin } from '../../../../connector/kafka/kafkajs/sasl-login.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'

const { createErrorFromCode }: { createErrorFromCode(code: number): Error } = createRequire(import.meta.url)(
  'kafkajs/src/protocol/error',
)
const logger = { debug: () => undefined, error: () => undefined } as unknown as Logger

/** A broker that handles each message of a login with `answer`. */
function stage(answer: () => Promise<void>, sasl: SaslConfig = account) {
  const messages: string[] = []
  const { authenticationProvider } = saslLogin(sasl, virtualClock(0))
  const saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'] = async ({ request }) => {
    // The first four bytes are the length.
    messages.push(String((await request.encode()).subarray(4)).replaceAll('\0', ' '))
    await answer()
  }
  const connect = () => authenticationProvider({ host: 'broker', port: 9092, logger, saslAuthenticate }).authenticate()
  return { messages, connect }
}
const account = { mechanism: 'plain', username: 'u', password: 'p' } as const

test('each connection logs in with the account configured at that time', async () => {
  const changing = { ...account, password: 'p' as string }
  const { messages, connect } = stage(async () => undefined, changing)
  await connect()
  Object.assign(changing, { password: 'q' })
  await connect()
  expect(messages).toEqual([' u p', ' u q'].map((message) => expect.stringContaining(message)))
})

test.each([
  ['the rejection of the broker', createErrorFromCode(58)],
  ['a lost connection', new Error('connection closed')],
])('a login fails with its cause: %s', async (_, cause) => {
  for (const mechanism of ['plain', 'scram-sha-256'] as const) {
    const { messages, connect } = stage(() => Promise.reject(cause), { ...account, mechanism })
    await expect(connect()).rejects.toBe(cause)
    expect(messages).toHaveLength(1)
  }
})
