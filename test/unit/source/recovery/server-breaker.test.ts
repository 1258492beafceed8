import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../../connector/runtime/connector-error.ts'
import { semaphore } from '../../../../connector/runtime/semaphore.ts'
import type {
  CheckPoint,
  Page,
  ReadArguments,
  ServerEvent,
  SourceEvent,
  SourceTime,
} from '../../../../connector/source/client-source.ts'
import { readError } from '../../../../connector/source/polaris/answer/answer-verdict.ts'
import { polarisDefaults } from '../../../../connector/source/polaris/polaris-config.ts'
import type { Outages } from '../../../../connector/source/recovery/after-failed-read.ts'
import { retrying } from '../../../../connector/source/recovery/retrying-source.ts'
import { serverBreakers } from '../../../../connector/source/recovery/server-breaker.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { never } from '../../../support/signals.ts'

const page: Page = { clients: [], hasMoreResults: false, checkPoint: null, serverTime: undefined, tookMs: 1, bytes: 1 }
const at: ReadArguments = {
  lastChanged: '2024-01-01T00:00:00' as SourceTime,
  checkPoint: null,
  limit: 100,
  output: 'xml',
}
const { maxProbeIntervalMs, retry } = polarisDefaults
const server = 'https://polaris.example:3443'
const probing = { server, maxProbeIntervalMs, maxRetryAfterMs: retry.maxRetryAfterMs }
const settled = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
const failure = (code: ConnectorError['code'], retryAfterMs?: number) => new ConnectorError(code, 'x', { retryAfterMs })

interface Sent {
  readonly stream: string
  readonly at: number
}

/** A server that answers with the page or fails with the error, and streams that read from it. */
function serverWith() {
  let seed = 0
  const clock = virtualClock(0, () => {
    seed = (seed * 7 + 3) % 101
    return seed / 101
  })
  const changes: ServerEvent[] = []
  const sent: Sent[] = []
  const server: { error: ConnectorError | undefined; tookMs: number; running: number; most: number } = {
    error: undefined,
    tookMs: 0,
    running: 0,
    most: 0,
  }
  const breakerOf = serverBreakers(clock, (event) => changes.push(event))
  const limit = semaphore(2)
  const stream = (name: string, outages: Outages = 'wait') => {
    const events: SourceEvent[] = []
    const gate = breakerOf(probing).gate(outages)
    const permits = gate.permits(limit)
    const source = {
      read: async (at: ReadArguments, stop: AbortSignal) => {
        using _permit = await permits.acquire(stop)
        sent.push({ stream: name, at: clock.now() })
        server.running += 1
        server.most = Math.max(server.most, server.running)
        const { error } = server
        await clock.sleep(server.tookMs, stop).finally(() => {
          server.running -= 1
        })
        if (error !== undefined) throw readError(error, at)
        return page
      },
    }
    const observe = (event: SourceEvent) => events.push(event)
    const { retry: policy, suspectForMs } = polarisDefaults
    const { read } = retrying(source, { clock, policy, suspectForMs, outages, observe, gate })
    return { read, events, kinds: () => events.map(({ kind }) => kind) }
  }
  const pass = async (ms: number) => {
    const end = clock.now() + ms
    for (await settled(); (clock.nextTimerAt() ?? Number.POSITIVE_INFINITY) <= end; await settled()) clock.fireNext()
    clock.pass(end - clock.now())
  }
  return { clock, changes, sent, server, stream, pass, troubles: () => changes.map(({ trouble }) => trouble) }
}

const HOUR_MS = 3_600_000
const INTERVAL_MS = polarisDefaults.maxProbeIntervalMs

/** Reads again and again, one second after each page. */
async function poll(
  { read }: { read: (at: ReadArguments, stop: AbortSignal) => Promise<Page> },
  { clock, stop, onPage }: { clock: ReturnType<typeof virtualClock>; stop: AbortSignal; onPage: () => void },
): Promise<void> {
  for (;;) {
    await read(at, stop)
    onPage()
    await clock.sleep(1_000, stop)
  }
}

describe('a server that is down for an hour', () => {
  async function anHour(streams: number) {
    const on = serverWith()
    const stop = new AbortController()
    const names = Array.from({ length: streams }, (_, index) => `s${index}`)
    const pages = new Map<string, number>()
    const opened = names.map((name) => on.stream(name))
    const polls = opened.map((one, index) =>
      poll(one, { clock: on.clock, stop: stop.signal, onPage: () => pages.set(`s${index}`, on.clock.now()) }),
    )
    await on.pass(10_000)
    on.server.error = failure('source.unreachable')
    await on.pass(60_000)
    const sentBefore = on.sent.length
    on.server.most = 0
    await on.pass(HOUR_MS)
    return { ...on, stop, polls, pages, opened, probes: on.sent.slice(sentBefore) }
  }

  test('gets one probe at a time, at the longest interval', async () => {
    const { probes, server, stop, polls, troubles } = await anHour(20)
    expect(server.most).toBe(1)
    expect(probes.length).toBeGreaterThan(HOUR_MS / INTERVAL_MS - 5)
    expect(probes.length).toBeLessThan((2 * HOUR_MS) / INTERVAL_MS)
    expect(troubles()).toEqual(['source-down'])
    stop.abort()
    await Promise.allSettled(polls)
  })

  test('is read by all streams within two intervals after it answers, not at once', async () => {
    const { clock, server, pass, pages, stop, polls, changes, opened, sent } = await anHour(20)
    server.error = undefined
    const upAt = clock.now()
    await pass(INTERVAL_MS)
    expect(changes.at(-1)).toMatchObject({ server: 'https://polaris.example:3443', trouble: null })
    const closedAt = Math.min(...[...pages.values()].filter((time) => time >= upAt))
    await pass(INTERVAL_MS)
    expect([...pages.values()].filter((time) => time < upAt)).toEqual([])
    expect(closedAt - upAt).toBeLessThanOrEqual(INTERVAL_MS)
    const firstSent = opened.map((_, index) =>
      sent.find(({ stream, at: time }) => stream === `s${index}` && time >= upAt),
    )
    expect(new Set(firstSent.map((found) => found?.at)).size).toBeGreaterThan(5)
    for (const { kinds } of opened) {
      expect(kinds().filter((kind) => kind === 'source-resumed')).toHaveLength(1)
      expect(kinds()).not.toContain('read-recovered')
    }
    stop.abort()
    await Promise.allSettled(polls)
  })

  test('causes no retry events while it is down', async () => {
    const { opened, stop, polls } = await anHour(3)
    for (const { kinds } of opened) {
      const waiting = kinds().indexOf('source-waiting')
      expect(waiting).toBeGreaterThan(-1)
      expect(kinds().slice(waiting)).not.toContain('read-retried')
    }
    stop.abort()
    await Promise.allSettled(polls)
  })
})

test('a call that waits for a permit while the breaker opens is not sent', async () => {
  const on = serverWith()
  on.server.error = failure('source.timeout')
  on.server.tookMs = 60_000
  const stop = new AbortController()
  const reads = Array.from({ length: 30 }, (_, index) => on.stream(`s${index}`).read(at, stop.signal))
  await on.pass(190_000)
  // Two at a time, until five have failed.
  expect(on.troubles()).toEqual(['source-down'])
  await on.pass(60_000)
  on.server.most = 0
  await on.pass(300_000)
  expect(on.server.most).toBe(1)
  on.server.error = undefined
  on.server.tookMs = 10
  await on.pass(150_000)
  for (const read of reads) expect(await read).toBe(page)
})

test('the probe of a stream that stops leaves its turn to another', async () => {
  const on = serverWith()
  on.server.error = failure('source.unreachable')
  const stop = new AbortController()
  const first = on.stream('first').read(at, stop.signal)
  await on.pass(9_000)
  expect(on.troubles()).toEqual(['source-down'])
  on.server.tookMs = 50_000
  const sent = on.sent.length
  for (let turn = 0; turn < 99 && on.sent.length === sent; turn += 1) await on.pass(500)
  const second = on.stream('second').read(at, never)
  on.server.error = undefined
  stop.abort(new Error('enough'))
  await expect(first).rejects.toThrow('enough')
  await on.pass(100)
  expect(on.sent.at(-1)?.stream).toBe('second')
  await on.pass(50_000)
  expect(await second).toBe(page)
})

test('a stream that waits stops at once', async () => {
  const on = serverWith()
  on.server.error = failure('source.unreachable')
  const stop = new AbortController()
  const read = on.stream('first').read(at, stop.signal)
  await on.pass(60_000)
  stop.abort(new Error('enough'))
  await expect(read).rejects.toThrow('enough')
  expect(on.clock.nextTimerAt()).toBeUndefined()
})

test('the read that opens the breaker is reported as retried, and each failed probe as such', async () => {
  const on = serverWith()
  on.server.error = failure('source.unreachable')
  const { read, kinds } = on.stream('first')
  const result = read(at, never)
  await on.pass(60_000)
  on.server.error = undefined
  await on.pass(INTERVAL_MS)
  expect(await result).toBe(page)
  expect(kinds().slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'read-retried'))
  const afterwards = kinds().slice(5)
  expect(afterwards.slice(0, 3)).toEqual(['source-waiting', 'probe-failed', 'source-waiting'])
  expect(afterwards.at(-1)).toBe('source-resumed')
  expect(afterwards).not.toContain('read-retried')
})

test('a server that asks to wait is throttled, and asked again when it said', async () => {
  const on = serverWith()
  on.server.error = failure('source.server-error', 100_000)
  const read = on.stream('first').read(at, never)
  await on.pass(600_000)
  expect(on.troubles()).toEqual(['throttled'])
  on.server.error = failure('source.unreachable')
  await on.pass(100_000)
  expect(on.troubles()).toEqual(['throttled', 'source-down'])
  const [last, previous] = on.sent.toReversed().filter(({ at: time }) => time <= 600_000)
  expect((last?.at ?? 0) - (previous?.at ?? 0)).toBeGreaterThanOrEqual(100_000)
  on.server.error = undefined
  await on.pass(INTERVAL_MS)
  expect(await read).toBe(page)
})

test('a server that answers with refusals is not down: it refuses', async () => {
  const on = serverWith()
  on.server.error = failure('source.forbidden')
  const stop = new AbortController()
  const reads = ['a', 'b'].map((name) => on.stream(name).read(at, stop.signal))
  await on.pass(60_000)
  expect(on.troubles()).toEqual(['source-refuses'])
  stop.abort(new Error('enough'))
  await Promise.allSettled(reads)
})

test('a refused token does not open the breaker, however it is refused', async () => {
  const on = serverWith()
  on.server.error = failure('source.server-error')
  const withToken = { ...at, checkPoint: 't1' as CheckPoint }
  for (let read = 0; read < 3; read += 1) {
    const result = on.stream('first').read(withToken, never)
    result.catch(() => {})
    await on.pass(60_000)
    await expect(result).rejects.toMatchObject({ code: 'source.server-error' })
  }
  expect(on.changes).toEqual([])
})

test('suspect responses of a server that starts open the breaker, and hold no stream before their time', async () => {
  const on = serverWith()
  on.server.error = failure('source.function-missing')
  const { suspectForMs } = polarisDefaults
  const [first, second] = ['first', 'second'].map((name) => on.stream(name).read(at, never))
  await on.pass(suspectForMs - 2 * INTERVAL_MS)
  expect(on.troubles()).toEqual(['source-refuses'])
  on.server.error = undefined
  await on.pass(2 * INTERVAL_MS)
  expect([await first, await second]).toEqual([page, page])
})

test('an answer that says no shows that the server works', async () => {
  const on = serverWith()
  on.server.error = failure('source.unreachable')
  const waiting = on.stream('first').read(at, never)
  waiting.catch(() => {})
  await on.pass(60_000)
  on.server.error = failure('source.unauthorized')
  await on.pass(INTERVAL_MS)
  await expect(waiting).rejects.toMatchObject({ code: 'source.unauthorized' })
  expect(on.troubles()).toEqual(['source-down', null])
})

test('a background read fails at once while the breaker is closed, and waits while it is open', async () => {
  const on = serverWith()
  on.server.error = failure('source.unreachable')
  const { read } = on.stream('first')
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const result = read(at, never, 'once')
    result.catch(() => {})
    await on.pass(1)
    await expect(result).rejects.toMatchObject({ code: 'source.unreachable' })
  }
  const fifth = read(at, never, 'once')
  await on.pass(HOUR_MS)
  on.server.error = undefined
  await on.pass(INTERVAL_MS)
  expect(await fifth).toBe(page)
})

test('an inspection gives up while the breaker is open', async () => {
  const on = serverWith()
  on.server.error = failure('source.unreachable')
  const first = on.stream('first', 'give-up').read(at, never)
  first.catch(() => {})
  await on.pass(60_000)
  await expect(first).rejects.toMatchObject({ code: 'source.unreachable', message: 'x' })
  const before = on.sent.length
  const others = ['second', 'third'].map((name) => on.stream(name, 'give-up').read(at, never))
  for (const other of others) other.catch(() => {})
  await on.pass(1)
  for (const other of others) await expect(other).rejects.toMatchObject({ code: 'source.unreachable' })
  expect(on.sent.length - before).toBeLessThanOrEqual(1)
})
