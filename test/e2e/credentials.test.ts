import { expect, it } from 'vitest'
import type { LogLine } from '../support/connector-process.ts'
import { everythingToldBy, expectNothingPersonal } from '../support/nothing-personal.ts'
import { DEFAULT_ACCESS } from '../support/servers/polaris/session.ts'
import { expectExactlyOnce, scene } from '../support/stream-scene.ts'

const stopped = ({ msg }: LogLine) => msg === 'stream stopped, an operator is needed'

it.each(['xml', 'json'] as const)(
  'with a login, neither password nor session shows at trace level, and the stream survives its sessions (%s)',
  async (output) => {
    const { user, password } = DEFAULT_ACCESS
    const { simulator, start, caughtUp } = await scene({
      source: { access: { mode: 'cookie', expiresAfterCalls: 7 } },
      environment: {
        POLARIS_AUTH: 'login',
        POLARIS_USER: user,
        POLARIS_PASSWORD: password,
        POLARIS_OUTPUT: output,
        LOG_LEVEL: 'trace',
      },
    })
    const connector = start()
    await connector.line(({ msg }) => msg === 'caught up')
    simulator.expireSessions()
    for (let change = 0; change < 20; change += 1) simulator.change()
    expectExactlyOnce({ simulator }, await caughtUp())
    const told = await everythingToldBy(connector)
    expect(await connector.stop()).toBe(0)
    const cookies = simulator.calls.flatMap(({ headers }) => /SessionId=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? [])
    expect(cookies.length).toBeGreaterThan(10)
    expectNothingPersonal([...told, connector.output()])
    for (const cookie of new Set(cookies)) expect(connector.output()).not.toContain(cookie)
  },
)

it.each([401, 403, 'login-page'] as const)(
  'credentials that are wrong are tried once or twice, then the stream stops (%s)',
  async (refusal) => {
    const { simulator, start } = await scene({
      source: { access: { mode: 'cookie', refusal } },
      environment: {
        POLARIS_AUTH: 'login',
        POLARIS_USER: 'connecteur-Krznych',
        POLARIS_PASSWORD: 'wrong-Krznych',
        LOG_LEVEL: 'trace',
      },
    })
    const connector = start()
    const { code } = await connector.line(stopped)
    expect(code).toMatch(/^source\.(unauthorized|forbidden)$/)
    const { status, body } = await connector.get('/readyz')
    expect(status).toBe(503)
    expect(JSON.parse(body).streams[0]).toMatchObject({ state: 'stopped', code, hint: expect.any(String) })
    const told = await everythingToldBy(connector)
    expect(await connector.stop()).toBe(0)
    expect(simulator.calls.filter((call) => call.function === 'ACL.Login').length).toBeLessThanOrEqual(2)
    expect(simulator.calls.length).toBeLessThanOrEqual(4)
    expectNothingPersonal([...told, connector.output()])
  },
)

it('a password that stops being right in the middle is not tried in a loop, and one that is right again is after a restart', async () => {
  const { user, password } = DEFAULT_ACCESS
  const { simulator, start, caughtUp } = await scene({
    source: { access: { mode: 'cookie' } },
    environment: { POLARIS_AUTH: 'login', POLARIS_USER: user, POLARIS_PASSWORD: password },
  })
  const first = start()
  await first.line(({ msg }) => msg === 'caught up')
  simulator.setAccess({ password: 'another' })
  simulator.expireSessions()
  const before = simulator.calls.filter((call) => call.function === 'ACL.Login').length
  expect(await first.line(stopped)).toMatchObject({ code: 'source.unauthorized' })
  expect(simulator.calls.filter((call) => call.function === 'ACL.Login').length - before).toBeLessThanOrEqual(2)
  expect(await first.stop()).toBe(0)
  simulator.setAccess({ password })
  simulator.change()
  const second = start()
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(await second.stop()).toBe(0)
})
