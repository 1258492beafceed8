import { expect, test } from 'vitest'
import { DEFAULT_ACCESS } from '../polaris/session.ts'
import { says } from '../support/connector-process.ts'
import { expectNothingPersonal, httpOutputs } from '../support/nothing-personal.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

// The connector logs everything while it logs in, and its output is searched for what was planted.

test('logs neither password nor session, even at trace level, and logs in again when its session expires', async () => {
  const { user, password } = DEFAULT_ACCESS
  const { simulator, start, caughtUp } = await scene({
    source: { access: { mode: 'cookie', expiresAfterCalls: 7 } },
    environment: {
      POLARIS_AUTH: 'login',
      POLARIS_USER: user,
      POLARIS_PASSWORD: password,
      POLARIS_OUTPUT: 'json',
      LOG_LEVEL: 'trace',
    },
  })
  const connector = start()
  await connector.line(says('caught up'))
  simulator.expireSessions()
  for (let change = 0; change < 20; change += 1) simulator.change()
  expectExactlyOnce({ simulator }, await caughtUp())
  const outputs = await httpOutputs(connector)
  expect(await connector.stop()).toBe(0)
  const cookies = simulator.calls.flatMap(({ headers }) => /SessionId=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? [])
  expect(cookies.length).toBeGreaterThan(10)
  expectNothingPersonal([...outputs, connector.output()])
  for (const cookie of new Set(cookies)) expect(connector.output()).not.toContain(cookie)
})
