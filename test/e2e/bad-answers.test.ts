import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { type ConnectorProcess, type LogLine, startConnector } from '../support/connector-process.ts'
import { DEFAULT_ACCESS } from '../support/servers/polaris/session.ts'
import {
  type Fault,
  faults,
  type PolarisSimulator,
  plantedMarks,
  startPolarisSimulator,
} from '../support/servers/polaris-simulator.ts'
import { configFile, expectExactlyOnce, scene, surroundingsOf, untilTold } from '../support/stream-scene.ts'
import { readTopic } from '../support/topic-reader.ts'

const stopped = ({ msg }: LogLine) => msg === 'stream stopped, an operator is needed'
const READ = 'Client.GetClientsModified'

/** Pages after which the source goes wrong, and goes on so for several calls. */
const GOOD_PAGES = 3
const CLIENTS = 200
const LIMIT = 20

const bad: Record<string, Fault> = {
  'status-500': faults.status(500),
  'status-404': faults.status(404),
  'status-429': faults.status(429, { retryAfter: 1 }),
  'status-503': faults.status(503),
  'reset-before': faults.reset('before'),
  'reset-middle': faults.reset('middle'),
  'cut-off': faults.truncate(0.6, 'wrong'),
  'cut-off-unseen': faults.truncate(0.6, 'right'),
  'cut-off-chunked': faults.truncate(0.6, 'none'),
  'html-page': faults.html(),
  'login-page': faults.loginPage(),
  'plain-text': faults.plainText(),
  'empty-body': faults.empty(),
  'error-document': faults.errorDocument(),
  'no-flag': faults.missingFlag(),
  'nil-flag': faults.nilFlag(),
  'no-token': faults.missingToken(),
  'empty-token': faults.missingToken(''),
  'json-for-xml': faults.wrongFormat('json'),
  oversized: faults.oversized(300_000),
}

interface Stage {
  readonly name: string
  readonly simulator: PolarisSimulator
  readonly topic: string
}

/** A stream with a source of its own for each kind of bad answer, all in one connector. */
async function stages(): Promise<{ all: Stage[]; start(): ConnectorProcess }> {
  const connector = `e2e-${randomUUID().slice(0, 13)}`
  const all = await Promise.all(
    Object.keys(bad).map(async (name) => {
      const simulator = await startPolarisSimulator({ clients: CLIENTS })
      return { name, simulator, topic: `${connector}-${name}` }
    }),
  )
  const { KAFKA_TOPIC, POLARIS_CODE_MAGASIN, POLARIS_LAST_CHANGED, POLARIS_LIMIT, POLL_INTERVAL, ...environment } =
    surroundingsOf(connector, inject('kafkaBrokers'))
  const streams = all.map(({ name, simulator: { url }, topic }) => ({
    name,
    polaris: {
      ...{ url, codeMagasin: 1, lastChanged: '2000-01-01', limit: LIMIT, maxBodyBytes: '200kB' },
      retry: { retries: 1, firstPause: '10ms' },
    },
    poll: { interval: '300ms' },
    kafka: { topic },
  }))
  const config = configFile(JSON.stringify({ kafka: { topics: { partitions: 1 } }, streams }))
  const processes: ConnectorProcess[] = []
  onTestFinished(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await Promise.all(all.map(({ simulator }) => simulator.close()))
  })
  const start = () => {
    const started = startConnector(['run', '--config', config], { ...environment, LOG_LEVEL: 'trace' })
    processes.push(started)
    return started
  }
  return { all, start }
}

it('no bad answer moves anything, none is told with what it holds, and afterwards everything is there once', async () => {
  const { all, start } = await stages()
  for (const { name, simulator } of all) {
    const isLate = (call: { function: string; ofFunction: number }) =>
      call.function === READ && call.ofFunction > GOOD_PAGES
    simulator.faults.when(isLate, bad[name] ?? faults.empty())
  }
  const first = start()
  for (const { name, topic } of all) {
    const told = await first.line(({ stream, code }) => stream === name && code !== undefined)
    expect(told.code).toMatch(/^source\./)
    await first.line(({ stream, msg }) => stream === name && /^stream (stopped|failed)/.test(msg))
    expect((await readTopic(inject('kafkaBrokers'), topic)).length).toBeLessThanOrEqual((GOOD_PAGES + 1) * LIMIT)
  }
  const outputs = await everythingToldBy(first)
  expect(await first.stop()).toBe(0)

  for (const { simulator } of all) simulator.faults.clear()
  const second = start()
  for (const { topic, simulator } of all) {
    expectExactlyOnce({ simulator }, await untilTold({ brokers: inject('kafkaBrokers'), topic, simulator }))
  }
  outputs.push(...(await everythingToldBy(second)))
  expect(await second.stop()).toBe(0)
  expectNothingPersonal([...outputs, first.output(), second.output()])
})

it('a source that pages in a circle stops the stream', async () => {
  const { simulator, start } = await scene()
  simulator.faults.when(({ ofFunction }) => ofFunction > 3, faults.token('always the same'))
  const connector = start()
  expect(await connector.line(stopped)).toMatchObject({ code: 'source.stuck' })
  expect(simulator.calls.length).toBeLessThan(10)
})

async function everythingToldBy(connector: ConnectorProcess): Promise<string[]> {
  const paths = ['/metrics', '/status', '/readyz']
  return await Promise.all(paths.map(async (path) => (await connector.get(path)).body))
}

/** Invariant 8. */
function expectNothingPersonal(outputs: readonly string[]): void {
  const queries = ['lastChanged=', 'checkPoint=', 'codeMagasin=', 'password=', 'CP/', 'CP%2F']
  const { user, password } = DEFAULT_ACCESS
  const secrets = [user, 'Krznych', password, encodeURIComponent(password), 'secretsecret']
  for (const output of outputs) {
    expect(output.length).toBeGreaterThan(0)
    for (const mark of [...plantedMarks, ...queries, ...secrets]) expect(output).not.toContain(mark)
  }
}

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
