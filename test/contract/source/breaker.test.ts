import { expect, it, onTestFinished } from 'vitest'
import { openSource } from '../../../connector/compose/compose-source.ts'
import { refusedAccounts } from '../../../connector/runtime/refused-accounts.ts'
import { type Semaphore, semaphore } from '../../../connector/runtime/semaphore.ts'
import type { ReadArguments, ServerEvent, SourceEvent, SourceTime } from '../../../connector/source/client-source.ts'
import { polarisDefaults } from '../../../connector/source/polaris/polaris-config.ts'
import { serverBreakers } from '../../../connector/source/recovery/server-breaker.ts'
import { faults, startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { defaultPolaris } from '../../support/default-config.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { freePort } from '../../support/servers/free-port.ts'

const at: ReadArguments = {
  ...{ lastChanged: '2000-01-01T00:00:00' as SourceTime, checkPoint: null, limit: 5, output: 'xml' },
}
const STREAMS = 12
const POLL_MS = 10_000
const HOUR_MS = 3_600_000
const INTERVAL_MS = polarisDefaults.maxProbeIntervalMs

/** Permits that know how many requests are being made. */
function countedPermits() {
  const limit = semaphore(8)
  const count = { now: 0, most: 0, requests: 0 }
  const permits: Semaphore = {
    acquire: async (stop) => {
      const permit = await limit.acquire(stop)
      count.now += 1
      count.requests += 1
      count.most = Math.max(count.most, count.now)
      return {
        [Symbol.dispose]: () => {
          count.now -= 1
          permit[Symbol.dispose]()
        },
      }
    },
  }
  return { permits, count }
}

/** Streams of one server that poll in virtual time; their requests are real. */
async function streamsOn(port: number) {
  let step = 0
  const clock = virtualClock(Date.parse('2026-06-15T10:00:00Z'), () => {
    step = (step * 7 + 5) % 11
    return step / 11
  })
  const changes: ServerEvent[] = []
  const events: SourceEvent[] = []
  const resumedAt: number[] = []
  const { permits, count } = countedPermits()
  const url = `http://127.0.0.1:${port}/core/api/`
  const breaker = serverBreakers(clock, (event) => changes.push(event))({
    server: new URL(url).origin,
    maxRetryAfterMs: polarisDefaults.retry.maxRetryAfterMs,
    maxProbeIntervalMs: polarisDefaults.maxProbeIntervalMs,
  })
  const stopping = new AbortController()
  const readAt: number[] = []
  const polls = Array.from({ length: STREAMS }, async (_, stream) => {
    const config = { ...defaultPolaris, url, auth: { kind: 'none' as const }, codeMagasin: stream }
    const accounts = refusedAccounts(clock)
    const observe = (event: SourceEvent) => {
      events.push(event)
      if (event.kind === 'source-resumed') resumedAt.push(clock.now())
    }
    const source = openSource(config, { clock, permits, breaker, accounts, outages: 'wait', observe })
    onTestFinished(() => source.close())
    for (;;) {
      await source.read(at, stopping.signal)
      readAt[stream] = clock.now()
      await clock.sleep(POLL_MS, stopping.signal)
    }
  })
  onTestFinished(async () => {
    stopping.abort()
    await Promise.allSettled(polls)
  })
  const settled = async () => {
    for (let quiet = 0; quiet < 4; quiet += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      if (count.now > 0) quiet = 0
    }
  }
  const pass = async (ms: number) => {
    const end = clock.now() + ms
    for (await settled(); (clock.nextTimerAt() ?? Number.POSITIVE_INFINITY) <= end; await settled()) clock.fireNext()
    clock.pass(end - clock.now())
  }
  return { clock, changes, events, resumedAt, count, readAt, pass }
}

it('probes a server that is down for an hour with one request at a time, and all streams recover when it is back', async () => {
  const port = await freePort()
  const first = await startPolarisSimulator({ clients: 5, port })
  const { clock, changes, events, resumedAt, count, readAt, pass } = await streamsOn(port)
  await pass(60_000)
  expect(readAt).toHaveLength(STREAMS)
  await first.close()
  await pass(30_000)
  expect(changes).toMatchObject([{ server: `http://127.0.0.1:${port}`, trouble: 'source-down' }])
  const retried = events.filter(({ kind }) => kind === 'read-retried').length
  Object.assign(count, { most: 0, requests: 0 })
  await pass(HOUR_MS)
  expect(count.most).toBe(1)
  expect(count.requests).toBeGreaterThan(HOUR_MS / INTERVAL_MS - 5)
  expect(count.requests).toBeLessThan((2 * HOUR_MS) / INTERVAL_MS + 5)
  expect(events.filter(({ kind }) => kind === 'read-retried')).toHaveLength(retried)

  const again = await startPolarisSimulator({ clients: 5, port })
  onTestFinished(() => again.close())
  const upAt = clock.now()
  await pass(INTERVAL_MS)
  expect(changes.map(({ trouble }) => trouble)).toEqual(['source-down', null])
  expect(readAt.filter((time) => time >= upAt)).not.toEqual([])
  await pass(INTERVAL_MS)
  expect(readAt.filter((time) => time < upAt)).toEqual([])
  // Not all at once.
  expect(resumedAt).toHaveLength(STREAMS)
  expect(new Set(resumedAt).size).toBeGreaterThan(STREAMS / 2)
  expect((resumedAt.at(-1) ?? 0) - (resumedAt[0] ?? 0)).toBeGreaterThan(INTERVAL_MS / 2)
}, 120_000)

it('waits as long as a throttling server asks, for all its streams', async () => {
  const port = await freePort()
  const simulator = await startPolarisSimulator({ clients: 5, port })
  onTestFinished(() => simulator.close())
  const { clock, changes, count, readAt, pass } = await streamsOn(port)
  await pass(60_000)
  count.requests = 0
  simulator.faults.when(() => true, faults.status(429, { retryAfter: 90 }))
  await pass(10 * 60_000)
  expect(changes).toMatchObject([{ trouble: 'throttled' }])
  // Some are on their way at the first 429.
  expect(count.requests).toBeLessThanOrEqual(STREAMS + 600 / 90)
  simulator.faults.clear()
  await pass(90_000 + 2 * INTERVAL_MS)
  expect(changes.at(-1)).toMatchObject({ trouble: null })
  expect(readAt.filter((time) => time >= clock.now() - 90_000 - 2 * INTERVAL_MS)).toHaveLength(STREAMS)
}, 120_000)
