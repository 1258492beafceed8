import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { type ConnectorProcess, type LogLine, startConnector } from '../support/connector-process.ts'
import { everythingToldBy, expectNothingPersonal } from '../support/nothing-personal.ts'
import {
  type Fault,
  faults,
  type PolarisSimulator,
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
