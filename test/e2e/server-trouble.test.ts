import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import {
  type Fault,
  faults,
  type PolarisSimulator,
  type ServerPage,
  startPolarisSimulator,
} from '../polaris/polaris-simulator.ts'
import { restartFault } from '../polaris/restarts.ts'
import { DEFAULT_ACCESS } from '../polaris/session.ts'
import { SHORT_PAUSES, SHORT_WAITS, says, shortTimes, startConnector } from '../support/connector-process.ts'
import { expectNothingPersonal, httpOutputs } from '../support/nothing-personal.ts'
import { configFile, environmentOf, expectExactlyOnce, scene, untilPublished } from '../support/stream-scene.ts'

const READ = 'Client.GetClientsModified'
const held = says('stream held, trying again slowly')

interface Trouble {
  readonly of: typeof READ | 'ACL.Login'
  readonly fault: Fault
}
const reading = (page: ServerPage): Trouble => ({ of: READ, fault: faults.serverPage(page) })
const loggingIn = (page: ServerPage): Trouble => ({ of: 'ACL.Login', fault: faults.serverPage(page) })

/** One response of a server in trouble. */
const troubles: Readonly<Record<string, Trouble>> = {
  'http-sys-404': reading('http.sys 404'),
  'login-page': reading('form login page'),
  'maintenance-redirect': { of: READ, fault: faults.redirect('http://maintenance.example.net/') },
  'sql-server': reading('database unreachable, in a document'),
  'iis-403': reading('IIS 403'),
  'login-404': loggingIn('http.sys 404'),
}

/** One connector with a stream, and a source with logins, for each trouble. */
async function workingStreams() {
  const connector = `e2e-${randomUUID().slice(0, 13)}`
  const all = await Promise.all(
    Object.entries(troubles).map(async ([name, trouble]) => {
      const simulator = await startPolarisSimulator({ clients: 60, access: { mode: 'cookie' } })
      return { name, trouble, simulator, topic: `${connector}-${name}`, brokers: inject('kafkaBrokers') }
    }),
  )
  const { KAFKA_TOPIC, POLARIS_CODE_MAGASIN, POLARIS_LAST_CHANGED, POLARIS_LIMIT, POLL_INTERVAL, ...environment } =
    environmentOf(connector, inject('kafkaBrokers'))
  const streams = all.map(({ name, simulator: { url }, topic }) => ({
    name,
    polaris: {
      ...{ url, codeMagasin: 1, lastChanged: '2000-01-01', limit: 20 },
      ...{ auth: 'login', user: DEFAULT_ACCESS.user, password: DEFAULT_ACCESS.password },
    },
    poll: { interval: '300ms' },
    kafka: { topic },
  }))
  const config = configFile(JSON.stringify({ kafka: { topics: { partitions: 1 } }, streams }))
  const times = shortTimes({ polaris: { retry: { firstPauseMs: 10 } } })
  const variables = { ...environment, ...SHORT_WAITS, ...times, LOG_LEVEL: 'trace' }
  const process = startConnector(['run', '--config', config], variables)
  onTestFinished(async () => {
    await process.kill()
    await Promise.all(all.map(({ simulator }) => simulator.close()))
  })
  return { all, process }
}

/** Applies the fault to the next call of the function only. Resolves once it has. */
function applyOnce({ faults }: PolarisSimulator, { of, fault }: Trouble): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const remove = faults.when(
    (call) => call.function === of,
    () => {
      remove()
      resolve()
      return fault
    },
  )
  return promise
}

it('holds no working stream because of one response of a server in trouble', async () => {
  const { all, process } = await workingStreams()
  for (const stage of all) await untilPublished(stage)
  for (const { trouble, simulator } of all) {
    const applied = applyOnce(simulator, trouble)
    if (trouble.of === 'ACL.Login') simulator.expireSessions()
    await applied
    for (let change = 0; change < 5; change += 1) simulator.change()
  }
  for (const { name, simulator, topic, brokers } of all) {
    const published = await untilPublished({ brokers, topic, simulator })
    expectExactlyOnce({ simulator }, published)
    const logins = simulator.calls.filter((call) => call.function === 'ACL.Login')
    expect(logins.length, name).toBeLessThanOrEqual(3)
  }
  expect(process.lines().filter(held)).toEqual([])
  const outputs = await httpOutputs(process)
  expect(await process.stop()).toBe(0)
  expectNothingPersonal([...outputs, process.output()])
}, 240_000)

it('needs no operator while the server restarts repeatedly, each time in another way', async () => {
  const restarts = { everyMs: 3_000, forMs: 1_500 }
  const kinds = 11
  const times = { polaris: { retry: { firstPauseMs: 20, maxPauseMs: 100 } } }
  const stage = await scene({ source: { clients: 200 }, times, environment: { ...SHORT_PAUSES, LOG_LEVEL: 'debug' } })
  const connector = stage.start()
  await stage.caughtUp()
  const startedAt = Date.now()
  const fault = () => restartFault(restarts, Date.now() - startedAt)
  const isOver = () => Date.now() - startedAt > (kinds + 1) * restarts.everyMs
  const stopRestarts = stage.simulator.faults.when(
    () => fault() !== undefined,
    () => fault() ?? faults.latency(0),
  )
  const stopChanges = stage.simulator.changeEvery(20)
  await expect.poll(isOver, { timeout: 60_000, interval: 500 }).toBe(true)
  stopRestarts()
  stopChanges()
  expectExactlyOnce(stage, await stage.caughtUp())
  const errors = connector.lines().filter(({ level }) => level === 'error')
  expect(errors.filter(({ code }) => !['source.forbidden', 'source.unauthorized'].includes(String(code)))).toEqual([])
  expect(await connector.stop()).toBe(0)
}, 180_000)

it.each(['IIS 403', 'form login page'] as const)('holds a stream whose server refuses it: %s', async (page) => {
  const stage = await scene()
  stage.simulator.faults.when(() => true, faults.serverPage(page))
  const connector = stage.start()
  expect(await connector.line(held)).toMatchObject({ level: 'error', code: expect.stringMatching(/^source\./) })
  expect(stage.simulator.calls.length).toBeLessThanOrEqual(2)
  expect(await connector.stop()).toBe(0)
})
