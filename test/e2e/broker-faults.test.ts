import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { testKafka } from '../support/committed-records.ts'
import { type ConnectorProcess, says } from '../support/connector-process.ts'
import { createTopics } from '../support/create-topics.ts'
import { type KafkaCluster, startKafka } from '../support/servers/kafka-broker.ts'
import type { TcpProxy } from '../support/servers/tcp-proxy.ts'
import { expectExactlyOnce, type Scene, scene, untilCaughtUp, untilPublished } from '../support/stream-scene.ts'
import { readTopic } from '../support/topic-reader.ts'

let kafka: KafkaCluster
let proxy: TcpProxy
beforeAll(async () => {
  kafka = await startKafka({ proxied: true })
  const [first] = kafka.proxies
  if (first === undefined) throw new Error('no proxy')
  proxy = first
})
afterAll(() => kafka.close())

const behindProxy = () => ({ connector: kafka.proxiedBootstrap, reader: kafka.bootstrap })

/** Waits until the stream has published 50 more events. */
async function untilFurther(connector: ConnectorProcess): Promise<void> {
  const { totals } = await connector.status((report) => report.totals !== undefined)
  await connector.status((report) => (report.totals?.events ?? 0) > (totals?.events ?? 0) + 50)
}

async function expectAllPublished(stage: Scene, connector: ConnectorProcess): Promise<void> {
  await stage.caughtUp()
  expect(await connector.stop()).toBe(0)
  expectExactlyOnce(stage, await stage.records())
}

const times = {
  kafka: {
    ...{ transactionMs: 15_000, commitWithinMs: 3_000, closeMs: 1_000 },
    paces: { stream: { connectionMs: 1_000, requestMs: 1_000 }, group: { connectionMs: 1_000, requestMs: 1_000 } },
  },
}

it('waits while the brokers do not answer, then resumes', async () => {
  const stage = await scene({ times, brokers: behindProxy() })
  const stop = stage.simulator.changeEvery(20)
  const connector = stage.start()
  await untilFurther(connector)
  proxy.pause()
  const failed = await connector.line(({ msg }) => msg === 'stream failed, reopening')
  expect(failed.code).toMatch(/^publish\./)
  proxy.resume()
  await untilFurther(connector)
  stop()
  await expectAllPublished(stage, connector)
})

it('retries while the broker of its group is down, reports it, and resumes when the group answers again', async () => {
  const stage = await scene({
    source: { clients: 100 },
    brokers: behindProxy(),
    environment: { PLACEMENT: 'group' },
    times,
  })
  const stop = stage.simulator.changeEvery(50)
  const connector = stage.start()
  await untilFurther(connector)
  await kafka.kill(1)
  await connector.line(says('cannot join the consumer group, retrying: running streams continue, none are added'))
  expect(await connector.status(({ state }) => state === 'retrying')).toMatchObject({
    code: expect.stringMatching(/^publish\./),
  })
  await kafka.start(1)
  await untilFurther(connector)
  stop()
  await expectAllPublished(stage, connector)
  expect(connector.lines().some(says('stream lost to another replica'))).toBe(false)
})

it('shows that Kafka does not answer, and stays ready until the limit; a stream can be paused meanwhile', async () => {
  const stage = await scene({ source: { clients: 20 }, brokers: behindProxy(), environment: { PLACEMENT: 'group' } })
  const connector = stage.start()
  await connector.status(({ progress }) => progress === 'caught up')
  const readiness = async () => {
    const { status, body } = await connector.get('/readyz')
    return { status, ...JSON.parse(body) }
  }
  await kafka.kill(1)
  await expect
    .poll(readiness, { timeout: 60_000 })
    .toMatchObject({ status: 200, group: { state: 'rejoining', code: expect.stringMatching(/^publish\./) } })
  const pause = stage.start({}, ['pause', 'clients', '--reason', 'broker work'])
  expect(await pause.exitCode(), pause.output()).toBe(0)
  await kafka.start(1)
  const resume = stage.start({}, ['resume', 'clients'])
  expect(await resume.exitCode(), resume.output()).toBe(0)
  await expect.poll(readiness, { timeout: 60_000 }).toMatchObject({ group: { state: 'member' } })
  expect(await connector.status(({ progress }) => progress === 'caught up')).not.toHaveProperty('code')
  await expectAllPublished(stage, connector)
})

/** As MirrorMaker does: each record in the same partition, with key and headers. There are no dead letters. */
async function mirror(topic: string, from: string, to: string): Promise<void> {
  const byPartition = Map.groupBy(await readTopic(from, topic), ({ partition }) => partition)
  const numPartitions = 1 + Math.max(...byPartition.keys())
  const [admin, producer] = [testKafka(to).admin(), testKafka(to).producer({ idempotent: true })]
  await Promise.all([admin.connect(), producer.connect()])
  try {
    await createTopics(
      admin,
      [topic, `${topic}.dlq`].map((one) => ({ topic: one, numPartitions })),
    )
    for (const [partition, records] of byPartition) {
      const messages = records.map(({ key, text, headers }) => ({ key, value: text, headers, partition }))
      await producer.send({ topic, messages })
    }
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}

it('continues on another cluster with a mirrored topic, and publishes all clients there again once it is told to', async () => {
  const here = await scene({
    source: { clients: 60 },
    brokers: { connector: kafka.bootstrap, reader: kafka.bootstrap },
  })
  const command = async (more: Record<string, string>, ...args: readonly string[]) => {
    const done = here.start(more, args)
    expect(await done.exitCode(), done.output()).toBe(0)
  }
  await command({}, ...untilCaughtUp)
  expectExactlyOnce(here, await here.caughtUp())
  const there = inject('kafkaBrokers')
  await mirror(here.name, kafka.bootstrap, there)

  here.simulator.change()
  const moved = { KAFKA_BROKERS: there }
  const replica = here.start(moved)
  expect(await replica.line(says('stream held, trying again slowly'))).toMatchObject({
    code: 'checkpoint.topic-lost',
  })
  await command(moved, 'checkpoint', 'rewind', 'clients', '--to', 'beginning', '--republish', '--yes')
  await replica.line(says('caught up'))
  const { name: topic, simulator } = here
  const records = await untilPublished({ brokers: there, topic, simulator })
  // The mirrored events, and each client once more: one of them as the change that it is.
  const marked = records.filter(({ headers }) => 'ce_republished' in headers)
  expect([records.length, new Set(marked.map(({ key }) => key)).size]).toEqual([120, 59])
  expect(await replica.stop()).toBe(0)
})
