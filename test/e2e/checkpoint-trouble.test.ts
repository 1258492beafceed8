import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { type CheckpointObject, checkpointObject } from '../support/checkpoint-object.ts'
import { type ConnectorProcess, type LogLine, startConnector } from '../support/connector-process.ts'
import { type PolarisSimulator, startPolarisSimulator } from '../support/servers/polaris-simulator.ts'
import { configFile, expectExactlyOnce, scene, surroundingsOf, untilTold } from '../support/stream-scene.ts'

const edited = (change: (document: Record<string, unknown>) => void) => (text: string) => {
  const document = JSON.parse(text)
  change(document)
  return JSON.stringify(document)
}

/** What somebody did to the document of a stream, and how the stream says so. `older` is a text that was good once. */
const troubles: Record<string, { code: string; make(text: string, older: string): string | undefined }> = {
  deleted: { code: 'checkpoint.missing', make: () => undefined },
  'rolled-back': { code: 'checkpoint.rolled-back', make: (_, older) => older },
  empty: { code: 'checkpoint.damaged', make: () => '' },
  'cut-off': { code: 'checkpoint.damaged', make: (text) => text.slice(0, text.length / 2) },
  'field-lost': { code: 'checkpoint.damaged', make: edited((document) => delete document.committed) },
  'unknown-format': {
    code: 'checkpoint.unknown-format',
    make: edited((document) => Object.assign(document, { format: 2 })),
  },
  'other-stream': {
    code: 'checkpoint.other-stream',
    make: edited((document) => Object.assign(document, { stream: 'x' })),
  },
  'other-shop': {
    code: 'checkpoint.other-stream',
    make: edited(({ source }) => Object.assign(source ?? {}, { codeMagasin: 7 })),
  },
  'other-prefix': {
    code: 'checkpoint.other-stream',
    make: edited(({ source }) => Object.assign(source ?? {}, { prefixCle: 'B' })),
  },
  'other-cluster': {
    code: 'checkpoint.other-stream',
    make: edited(({ destination }) => Object.assign(destination ?? {}, { clusterId: 'x' })),
  },
  'other-topic': {
    code: 'checkpoint.other-stream',
    make: edited(({ destination }) => Object.assign(destination ?? {}, { topic: 'x' })),
  },
}
const names = [...Object.keys(troubles), 'good']

interface Stage {
  readonly simulator: PolarisSimulator
  start(): ConnectorProcess
  objectOf(stream: string): CheckpointObject
  /** Changes some clients and waits until the topics of these streams show it. */
  passChanges(streams: readonly string[]): Promise<void>
}

/** One connector with a stream for each trouble, and one that has none. */
async function stageOfAll(): Promise<Stage> {
  const simulator = await startPolarisSimulator({ clients: 40 })
  const connector = `e2e-${randomUUID().slice(0, 13)}`
  const { KAFKA_TOPIC, POLARIS_CODE_MAGASIN, POLARIS_LAST_CHANGED, POLARIS_LIMIT, POLL_INTERVAL, ...environment } =
    surroundingsOf(connector, inject('kafkaBrokers'))
  const polaris = { url: simulator.url, codeMagasin: 1, lastChanged: '2000-01-01' }
  const topicOf = (stream: string) => `${connector}-${stream}`
  const streams = names.map((name) => ({ name, polaris, poll: { interval: '300ms' }, kafka: { topic: topicOf(name) } }))
  const config = configFile(JSON.stringify({ kafka: { topics: { partitions: 2 } }, streams }))
  const processes: ConnectorProcess[] = []
  onTestFinished(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await simulator.close()
  })
  const untilCaughtUp = (stream: string) =>
    untilTold({ brokers: inject('kafkaBrokers'), topic: topicOf(stream), simulator })
  return {
    simulator,
    start: () => {
      const started = startConnector(['run', '--config', config], environment)
      processes.push(started)
      return started
    },
    objectOf: (stream) => checkpointObject(connector, stream),
    passChanges: async (streams) => {
      for (let change = 0; change < 5; change += 1) simulator.change()
      const topics = await Promise.all(streams.map(untilCaughtUp))
      for (const records of topics) expectExactlyOnce({ simulator }, records)
    },
  }
}

it('a document that is gone, old, damaged or not its own stops its stream alone, stays as it is, and once put back the stream goes on', async () => {
  const { start, objectOf, passChanges } = await stageOfAll()
  const first = start()
  await passChanges(names)
  const older = new Map(await textsOf(objectOf))
  await passChanges(names)
  expect(await first.stop()).toBe(0)
  const good = new Map(await textsOf(objectOf))
  await passChangesTo(troubles, { objectOf, good, older })

  const second = start()
  await passChanges(['good'])
  const before = new Map(await etagsOf(objectOf))
  for (const [stream, { code }] of Object.entries(troubles)) {
    const stopped = await second.line((line) => line.level === 'error' && line.stream === stream)
    expect(stopped).toMatchObject({ msg: 'stream stopped, an operator is needed', code, hint: expect.any(String) })
  }
  await expectToldByReadyz(second)
  await passChanges(['good'])
  expect(await second.stop()).toBe(0)
  for (const stream of Object.keys(troubles)) {
    const now = await objectOf(stream).read()
    expect(now?.text).toBe(troubles[stream]?.make(good.get(stream) ?? '', older.get(stream) ?? ''))
    expect(now?.etag).toBe(before.get(stream))
  }

  for (const stream of Object.keys(troubles)) await objectOf(stream).write(good.get(stream) ?? '')
  const third = start()
  await passChanges(names)
  expect((await third.get('/readyz')).status).toBe(200)
  expect(await third.stop()).toBe(0)
})

async function textsOf(objectOf: Stage['objectOf']): Promise<[string, string][]> {
  return await Promise.all(
    names.map(async (name) => [name, (await objectOf(name).read())?.text ?? ''] as [string, string]),
  )
}

async function etagsOf(objectOf: Stage['objectOf']): Promise<[string, string | undefined][]> {
  return await Promise.all(
    names.map(async (name) => [name, (await objectOf(name).read())?.etag] as [string, string | undefined]),
  )
}

async function passChangesTo(
  all: typeof troubles,
  { objectOf, good, older }: Pick<Stage, 'objectOf'> & Record<'good' | 'older', Map<string, string>>,
): Promise<void> {
  for (const [stream, { make }] of Object.entries(all)) {
    const text = make(good.get(stream) ?? '', older.get(stream) ?? '')
    if (text === undefined) await objectOf(stream).remove()
    else await objectOf(stream).write(text)
  }
}

async function expectToldByReadyz(connector: ConnectorProcess): Promise<void> {
  const { status, body } = await connector.get('/readyz')
  expect(status).toBe(503)
  const { streams } = JSON.parse(body) as { streams: { stream: string; hint?: string }[] }
  for (const told of streams) {
    const code = troubles[told.stream]?.code
    if (code === undefined) expect(told).toMatchObject({ ready: true, state: 'running' })
    else expect(told).toMatchObject({ ready: false, state: 'stopped', code, hint: expect.stringMatching(/\w+ \w+/) })
  }
}

const stopped = ({ msg }: LogLine) => msg === 'stream stopped, an operator is needed'

it.each([
  ['deleted', undefined, 'checkpoint.missing'],
  ['damaged', '{"format":1', 'checkpoint.damaged'],
])('a document that is %s while the stream runs stops it and stays so', async (_, text, code) => {
  const { name, simulator, start, caughtUp, records } = await scene({ source: { clients: 40 } })
  const object = checkpointObject(name)
  const first = start()
  await caughtUp()
  const before = await records()
  await first.status(({ totals }) => totals?.events === before.length)
  const good = (await object.read())?.text ?? ''
  if (text === undefined) await object.remove()
  else await object.write(text)
  simulator.change()
  expect(await first.line(stopped)).toMatchObject({ code })
  expect((await object.read())?.text).toBe(text)
  expect(await first.stop()).toBe(0)
  expect(await records()).toHaveLength(before.length)
  await object.write(good)
  const second = start()
  expectExactlyOnce({ simulator }, await caughtUp())
  expect(await second.stop()).toBe(0)
})
