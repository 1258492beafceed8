import { expect, inject, it, onTestFailed, onTestFinished } from 'vitest'
import { numbers } from '../polaris/clients/made-up-client.ts'
import { assertSameAsSource } from '../support/same-as-source.ts'
import { startS3FaultProxy } from '../support/servers/s3-fault-proxy.ts'
import { scene } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

const kills = 6
const seed = Number(process.env.TEST_SEED)

it.each([
  ['with the modification time mapped', true],
  ['without a modification time', false],
])(
  `with at-least-once, kill -9 loses nothing and duplicates have the same event id, %s (seed ${seed})`,
  async (_, shown) => {
    onTestFailed(() => console.error(`TEST_SEED=${seed}`))
    const proxy = await startS3FaultProxy({ target: inject('s3').endpoint })
    onTestFinished(() => proxy.close())
    const { simulator, start, caughtUp, records } = await scene({
      source: { clients: 1500, hasModificationTime: shown },
      environment: { AWS_ENDPOINT_URL_S3: proxy.endpoint, DELIVERY: 'at-least-once' },
    })
    const chance = numbers(seed, 0, 1)
    const stopChanging = simulator.changeEvery(10)
    for (let round = 0; round < kills; round += 1) {
      const connector = start()
      const { totals } = await connector.status((report) => report.state === 'running')
      await connector.status((report) => (report.totals?.events ?? 0) > (totals?.events ?? 0) + chance() * 100)
      if (round % 2 === 0) {
        const puts = proxy.received.get('PUT') ?? 0
        proxy.next('PUT', { kind: 'hang' })
        await connector.status(() => (proxy.received.get('PUT') ?? 0) > puts)
      }
      await connector.kill()
      proxy.clear()
    }
    stopChanging()
    const last = start()
    await caughtUp()
    expect(await last.stop()).toBe(0)
    const all = await records()
    const once = firstOfEach(all)
    assertSameAsSource(simulator.changes, once)
    expect(all.length).toBeGreaterThan(once.length)
    const ids = new Map<string, Set<string>>()
    for (const record of all) {
      const { id, data } = contentOf(record)
      const change = `${record.key} ${JSON.stringify(data)}`
      ids.set(change, (ids.get(change) ?? new Set()).add(id))
    }
    for (const [, found] of ids) expect(found.size).toBe(1)
  },
)

function contentOf({ value }: TopicRecord): { id: string; data: unknown } {
  return value as { id: string; data: unknown }
}

/** Removes records whose event id has already appeared. */
function firstOfEach(records: readonly TopicRecord[]): TopicRecord[] {
  const seen = new Set<string>()
  return records.filter((record) => {
    const { id } = contentOf(record)
    const isNew = !seen.has(id)
    seen.add(id)
    return isNew
  })
}
