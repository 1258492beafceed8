import { randomUUID } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { type PolarisSimulator, startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { type CheckpointObject, checkpointObject } from '../support/checkpoint-object.ts'
import { type ConnectorProcess, startConnector } from '../support/connector-process.ts'
import {
  configFile,
  environmentOf,
  expectExactlyOnce,
  scene,
  untilCaughtUp,
  untilPublished,
} from '../support/stream-scene.ts'

const edited = (change: (document: Record<string, unknown>) => void) => (text: string) => {
  const document = JSON.parse(text)
  change(document)
  return JSON.stringify(document)
}

/** A change to a stream's document, and the code that the stream reports for it. `older` is an earlier valid text. */
const troubles: Record<string, { code: string; make(text: string, older: string): string | undefined }> = {
  deleted: { code: 'checkpoint.damaged', make: () => undefined },
  'rolled-back': { code: 'checkpoint.rolled-back', make: (_, older) => older },
  empty: { code: 'checkpoint.damaged', make: () => '' },
  'cut-off': { code: 'checkpoint.damaged', make: (text) => text.slice(0, text.length / 2) },
  'field-lost': { code: 'checkpoint.damaged', make: edited((document) => delete document.committed) },
  'unknown-format': {
    code: 'checkpoint.unknown-format',
    make: edited((document) => Object.assign(document, { format: 1 })),
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
    code: 'checkpoint.topic-lost',
    make: edited(({ destination }) => Object.assign(destination ?? {}, { clusterId: 'x' })),
  },
  'topic-made-again': {
    code: 'checkpoint.topic-lost',
    make: edited(({ destination }) => Object.assign(destination ?? {}, { topicId: 'x' })),
  },
  'other-topic': {
    code: 'checkpoint.topic-lost',
    make: edited(({ destination }) => Object.assign(destination ?? {}, { topic: 'x' })),
  },
}
const names = [...Object.keys(troubles), 'good']

interface Stage {
  readonly simulator: PolarisSimulator
  start(): ConnectorProcess
  objectOf(stream: string): CheckpointObject
  /** Changes some clients, and waits until these streams have published the changes. */
  publishChanges(streams: readonly string[]): Promise<void>
}

/** One connector with a stream for each trouble, and one without any. */
async function stageOfAll(): Promise<Stage> {
  const simulator = await startPolarisSimulator({ clients: 40 })
  const connector = `e2e-${randomUUID().slice(0, 13)}`
  const { KAFKA_TOPIC, POLARIS_CODE_MAGASIN, POLARIS_LAST_CHANGED, POLARIS_LIMIT, POLL_INTERVAL, ...environment } =
    environmentOf(connector, inject('kafkaBrokers'))
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
    untilPublished({ brokers: inject('kafkaBrokers'), topic: topicOf(stream), simulator })
  return {
    simulator,
    start: () => {
      const started = startConnector(['run', '--config', config], environment)
      processes.push(started)
      return started
    },
    objectOf: (stream) => checkpointObject(connector, stream),
    publishChanges: async (streams) => {
      for (let change = 0; change < 5; change += 1) simulator.change()
      const topics = await Promise.all(streams.map(untilCaughtUp))
      for (const records of topics) expectExactlyOnce({ simulator }, records)
    },
  }
}

it('holds only the stream whose document is missing, old, damaged or foreign, leaves it unchanged, and resumes once it is restored', async () => {
  const { start, objectOf, publishChanges } = await stageOfAll()
  const first = start()
  await publishChanges(names)
  const older = new Map(await textsOf(objectOf))
  await publishChanges(names)
  expect(await first.stop()).toBe(0)
  const good = new Map(await textsOf(objectOf))
  await applyTroubles({ objectOf, good, older })

  const second = start()
  await publishChanges(['good'])
  const before = new Map(await etagsOf(objectOf))
  for (const [stream, { code }] of Object.entries(troubles)) {
    const held = await second.line((line) => line.level === 'error' && line.stream === stream)
    expect(held).toMatchObject({ msg: 'stream held, trying again slowly', code, hint: expect.any(String) })
  }
  await expectReportedByReadyz(second)
  await publishChanges(['good'])
  expect(await second.stop()).toBe(0)
  for (const stream of Object.keys(troubles)) {
    const now = await objectOf(stream).read()
    expect(now?.text).toBe(troubles[stream]?.make(good.get(stream) ?? '', older.get(stream) ?? ''))
    expect(now?.etag).toBe(before.get(stream))
  }

  for (const stream of Object.keys(troubles)) await objectOf(stream).write(good.get(stream) ?? '')
  const third = start()
  await publishChanges(names)
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

async function applyTroubles({
  objectOf,
  good,
  older,
}: Pick<Stage, 'objectOf'> & Record<'good' | 'older', Map<string, string>>): Promise<void> {
  for (const [stream, { make }] of Object.entries(troubles)) {
    const text = make(good.get(stream) ?? '', older.get(stream) ?? '')
    if (text === undefined) await objectOf(stream).remove()
    else await objectOf(stream).write(text)
  }
}

async function expectReportedByReadyz(connector: ConnectorProcess): Promise<void> {
  const { status, body } = await connector.get('/readyz')
  expect(status).toBe(503)
  const { streams } = JSON.parse(body) as { streams: { stream: string; hint?: string }[] }
  for (const report of streams) {
    const code = troubles[report.stream]?.code
    if (code === undefined) expect(report).toMatchObject({ state: 'running' })
    else expect(report).toMatchObject({ why: 'held', state: 'held', code, hint: expect.stringMatching(/\w+ \w+/) })
  }
}

it('a stream continues in another place of the bucket; its old place is of no use then; another topic needs another name', async () => {
  const here = await scene({ source: { clients: 60 } })
  const poll = async (environment: Record<string, string> = {}) => {
    const polled = here.start(environment, untilCaughtUp)
    return { exit: await polled.exitCode(), output: polled.output() }
  }
  expect((await poll()).exit).toBe(0)
  await checkpointObject(here.name).copyTo('moved')
  const moved = { CHECKPOINT_URL: `s3://${inject('s3').bucket}/moved` }
  here.simulator.change()
  expect((await poll(moved)).exit).toBe(0)
  expectExactlyOnce(here, await here.caughtUp())
  expect(await poll()).toMatchObject({ exit: 1, output: expect.stringContaining('checkpoint.rolled-back') })

  const topic = { ...moved, KAFKA_TOPIC: `${here.name}-other` }
  expect(await poll(topic)).toMatchObject({ exit: 1, output: expect.stringContaining('checkpoint.topic-lost') })
  expect((await poll({ ...topic, STREAM_NAME: 'other' })).exit).toBe(0)
  const brokers = inject('kafkaBrokers')
  expectExactlyOnce(here, await untilPublished({ brokers, topic: topic.KAFKA_TOPIC, simulator: here.simulator }))
})
