import { expect, inject, it, onTestFinished } from 'vitest'
import type { LogLine } from '../support/connector-process.ts'
import { startFakeS3 } from '../support/fakes/fake-s3-server.ts'
import { type S3FaultProxy, startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import { expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'
import { readTopic } from '../support/topic-reader.ts'

const failed = ({ msg }: LogLine) => msg === 'stream failed, reopening'

const times = { checkpoint: { callWithinMs: 1_500, connectWithinMs: 300, answerWithinMs: 500 } }

interface Stage extends Scene {
  readonly proxy: S3FaultProxy
}

async function stageBehindProxy(clients: number): Promise<Stage> {
  const proxy = await startS3FaultProxy({ target: inject('s3').endpoint })
  onTestFinished(() => proxy.close())
  const stage = await scene({ source: { clients }, times, environment: { AWS_ENDPOINT_URL_S3: proxy.endpoint } })
  return { ...stage, proxy }
}

it.each(['down', 'silent'])(
  'waits while the store is %s, and leaves no open transaction that would block readers',
  async (how) => {
    const stage = await stageBehindProxy(100)
    const { proxy, simulator, name, start } = stage
    const connector = start()
    await connector.status(({ totals }) => totals?.events === 100)
    if (how === 'down') await proxy.down()
    else
      for (const method of ['GET', 'PUT'] as const)
        proxy.next(method, ...Array.from({ length: 99 }, () => ({ kind: 'hang' }) as const))
    for (let change = 0; change < 30; change += 1) simulator.change()
    expect(await connector.line(failed)).toMatchObject({ code: 'storage.unavailable' })
    // Reads to the end of the log, so past the aborted records.
    expect(await readTopic(inject('kafkaBrokers'), name, 5_000)).toHaveLength(100)
    expect((await connector.get('/healthz')).status).toBe(200)
    expect(await connector.status(({ code }) => code === 'storage.unavailable')).toMatchObject({
      hint: expect.stringContaining('the stream waits for the store'),
    })
    proxy.clear()
    await proxy.up()
    await stage.caughtUp()
    expect(await connector.stop()).toBe(0)
    expectExactlyOnce(stage, await stage.records())
  },
)

it.each(['ignored', 'create-only'] as const)(
  'holds every stream, with the reason, and writes nothing on a store whose conditions are %s',
  async (conditions) => {
    const store = await startFakeS3({ conditions })
    onTestFinished(() => store.close())
    const environment = { PLACEMENT: 'group', AWS_ENDPOINT_URL_S3: store.endpoint }
    const stage = await scene({ source: { clients: 20 }, environment })
    const isHeld = ({ msg }: LogLine) => msg === 'stream held, trying again slowly'
    const first = stage.start()
    const held = { code: 'storage.no-conditional-writes', hint: expect.stringContaining('another store') }
    expect(await first.line(isHeld)).toMatchObject(held)
    expect((await first.get('/readyz')).status).toBe(503)
    const second = stage.start()
    await second.line(({ msg }) => msg.startsWith('standing by'))
    expect(await first.stop()).toBe(0)
    expect(await second.line(isHeld)).toMatchObject(held)
    expect(await second.stop()).toBe(0)
    expect(stage.simulator.calls).toEqual([])
    expect([...store.objects.keys()].filter((key) => !key.includes('.probe-'))).toEqual([])
  },
)
