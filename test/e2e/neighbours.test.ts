import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { faults, type PolarisSimulator, startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { testKafka } from '../support/committed-records.ts'
import { type ConnectorProcess, type LogLine, shortTimes, startConnector } from '../support/connector-process.ts'
import { createTopics } from '../support/create-topics.ts'
import { configFile, environmentOf, expectExactlyOnce, untilPublished } from '../support/stream-scene.ts'

const HANGING = '2'
const ofOneStream = ['KAFKA_TOPIC', 'POLARIS_CODE_MAGASIN', 'POLARIS_LAST_CHANGED', 'POLARIS_LIMIT', 'POLL_INTERVAL']

interface Stage {
  readonly alone: PolarisSimulator
  readonly shared: PolarisSimulator
  readonly broken: PolarisSimulator
  readonly connector: ConnectorProcess
  topicOf(stream: string): string
}

/** One connector: two healthy streams, one on the same server as a hanging stream, and other broken streams. */
async function stage(): Promise<Stage> {
  const name = `e2e-${randomUUID().slice(0, 13)}`
  const brokers = inject('kafkaBrokers')
  const topicOf = (stream: string) => `${name}.${stream}`
  const [alone, shared, broken] = await Promise.all([1, 2, 3].map(() => startPolarisSimulator({ clients: 20 })))
  if (alone === undefined || shared === undefined || broken === undefined) throw new Error('expected three simulators')
  shared.faults.when(({ parameters }) => parameters.get('codeMagasin') === HANGING, faults.hang('headers'))
  broken.faults.when(() => true, faults.html())
  await makeTopic(topicOf('refused'), { 'max.message.bytes': '100' })
  const stream = (of: string, { url }: PolarisSimulator, more: object = {}) => ({
    name: of,
    polaris: {
      ...{ url, codeMagasin: 1, lastChanged: '2000-01-01', limit: 20, output: 'json' },
      ...more,
    },
    poll: { interval: '200ms' },
    kafka: { topic: topicOf(of) },
  })
  const streams = [
    stream('hanging', shared, { codeMagasin: Number(HANGING) }),
    stream('broken', broken),
    stream('refused', alone),
    stream('no-ids', alone, { clientIdField: 'NoSuchField' }),
    stream('beside', shared),
    stream('alone', alone),
  ]
  const config = configFile(JSON.stringify({ kafka: { topics: { partitions: 1 } }, streams }))
  const given = Object.entries(environmentOf(name, brokers)).filter(([variable]) => !ofOneStream.includes(variable))
  const connector = startConnector(['run', '--config', config], {
    ...Object.fromEntries(given),
    ...shortTimes({ polaris: { retry: { firstPauseMs: 100 } } }),
  })
  onTestFinished(async () => {
    await connector.kill()
    await Promise.all([alone, shared, broken].map((one) => one.close()))
  })
  return { alone, shared, broken, connector, topicOf }
}

async function makeTopic(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
  const admin = testKafka(inject('kafkaBrokers')).admin()
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  await admin.connect()
  try {
    await createTopics(admin, [{ topic, numPartitions: 1, configEntries }])
  } finally {
    await admin.disconnect()
  }
}

const isOf =
  (stream: string, msg: string) =>
  (line: LogLine): boolean =>
    line.stream === stream && line.msg === msg

it('delays no healthy stream when others have a server that hangs or returns HTML, a topic that rejects records, or clients without ids', async () => {
  const { alone, shared, broken, connector, topicOf } = await stage()
  const hangingCalls = () => shared.calls.filter(({ parameters }) => parameters.get('codeMagasin') === HANGING).length
  await connector.line(isOf('no-ids', 'stream held, trying again slowly'))
  await connector.line(({ stream, code }) => stream === 'refused' && code?.startsWith('publish.') === true)
  await connector.line(({ stream, code }) => stream === 'broken' && code === 'source.answer-malformed')
  await expect.poll(hangingCalls).toBe(1)

  for (let round = 0; round < 10; round += 1) {
    for (const one of [alone, shared]) for (const id of one.clientIds) one.change(id)
    await untilPublished({ brokers: inject('kafkaBrokers'), topic: topicOf('alone'), simulator: alone })
    await untilPublished({ brokers: inject('kafkaBrokers'), topic: topicOf('beside'), simulator: shared })
  }
  // The hanging stream is still waiting for its first response.
  expect(hangingCalls()).toBe(1)
  const brokenCalls = broken.calls.length
  await expect.poll(() => broken.calls.length, { timeout: 60_000 }).toBeGreaterThan(brokenCalls)
  for (const [stream, simulator] of [
    ['alone', alone],
    ['beside', shared],
  ] as const) {
    await connector.status(({ state, progress }) => state === 'running' && progress === 'caught up', { stream })
    const records = await untilPublished({ brokers: inject('kafkaBrokers'), topic: topicOf(stream), simulator })
    expectExactlyOnce({ simulator }, records)
  }
  expect(await connector.stop()).toBe(0)
})
