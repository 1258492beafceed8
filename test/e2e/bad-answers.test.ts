import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { type Fault, faults, type PolarisSimulator, startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { type ConnectorProcess, type LogLine, shortTimes, startConnector } from '../support/connector-process.ts'
import { expectNothingPersonal, httpOutputs } from '../support/nothing-personal.ts'
import { configFile, environmentOf, expectExactlyOnce, untilPublished } from '../support/stream-scene.ts'
import { readTopic } from '../support/topic-reader.ts'

const held = ({ msg }: LogLine) => msg === 'stream held, trying again slowly'
const READ = 'Client.GetClientsModified'

/** The source returns this many good pages, then bad answers only. */
const GOOD_PAGES = 3
const CLIENTS = 200
const LIMIT = 20
/** The test waits until a page has been retried more often than this, or the stream is held. */
const TRIES = 3

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

/** One connector with a stream, and a source, for each kind of bad answer. */
const times = { polaris: { maxBodyBytes: 200_000, retry: { firstPauseMs: 10 } } }

async function stages(): Promise<{ all: Stage[]; start(): ConnectorProcess }> {
  const connector = `e2e-${randomUUID().slice(0, 13)}`
  const all = await Promise.all(
    Object.keys(bad).map(async (name) => {
      const simulator = await startPolarisSimulator({ clients: CLIENTS })
      return { name, simulator, topic: `${connector}-${name}` }
    }),
  )
  const { KAFKA_TOPIC, POLARIS_CODE_MAGASIN, POLARIS_LAST_CHANGED, POLARIS_LIMIT, POLL_INTERVAL, ...environment } =
    environmentOf(connector, inject('kafkaBrokers'))
  const streams = all.map(({ name, simulator: { url }, topic }) => ({
    name,
    polaris: { url, codeMagasin: 1, lastChanged: '2000-01-01', limit: LIMIT },
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
    const variables = { ...environment, ...shortTimes(times), LOG_LEVEL: 'trace' }
    const started = startConnector(['run', '--config', config], variables)
    processes.push(started)
    return started
  }
  return { all, start }
}

it('advances no stream on a bad answer, never logs its content, and publishes everything once when answers are good again', async () => {
  const { all, start } = await stages()
  for (const { name, simulator } of all) {
    const isLate = (call: { function: string; ofFunction: number }) =>
      call.function === READ && call.ofFunction > GOOD_PAGES
    simulator.faults.when(isLate, bad[name] ?? faults.empty())
  }
  const first = start()
  for (const { name, topic } of all) {
    const failure = await first.line(({ stream, code }) => stream === name && code !== undefined)
    expect(failure.code).toMatch(/^source\./)
    await first.line((line) => line.stream === name && (held(line) || Number(line.attempt) > TRIES))
    expect((await readTopic(inject('kafkaBrokers'), topic)).length).toBeLessThanOrEqual((GOOD_PAGES + 1) * LIMIT)
  }
  const outputs = await httpOutputs(first)
  expect(await first.stop()).toBe(0)

  for (const { simulator } of all) simulator.faults.clear()
  const second = start()
  for (const { topic, simulator } of all) {
    expectExactlyOnce({ simulator }, await untilPublished({ brokers: inject('kafkaBrokers'), topic, simulator }))
  }
  outputs.push(...(await httpOutputs(second)))
  expect(await second.stop()).toBe(0)
  expectNothingPersonal([...outputs, first.output(), second.output()])
})
