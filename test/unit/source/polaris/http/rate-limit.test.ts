import { describe, expect, test } from 'vitest'
import type { SourceEvent, Turn } from '../../../../../connector/source/client-source.ts'
import { limitedServers, permitted, rateLimit } from '../../../../../connector/source/polaris/http/rate-limit.ts'
import type { ServerLimits } from '../../../../../connector/source/polaris/polaris-config.ts'
import { virtualClock } from '../../../../support/fakes/virtual-clock.ts'
import { never } from '../../../../support/signals.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the permits of a server', () => {
  test('are given evenly spaced at the allowed rate, in the order of the requests', async () => {
    const clock = virtualClock(0)
    const limit = rateLimit({ concurrentRequests: 100, requestsPerSecond: 4 }, clock)
    const starts: string[] = []
    for (const name of ['a', 'b', 'c'])
      void limit.acquire(never).then(() => starts.push(`${name} ${clock.monotonic()}`))
    for (let timer = 0; timer < 3; timer += 1) {
      await settled()
      clock.fireNext()
    }
    await settled()
    expect(starts).toEqual(['a 0', 'b 250', 'c 500'])
  })

  test('do not delay the next request when a waiting request is aborted', async () => {
    const clock = virtualClock(0)
    const limit = rateLimit({ concurrentRequests: 2, requestsPerSecond: 1 }, clock)
    const first = limit.acquire(never)
    await settled()
    clock.fireNext()
    using _first = await first
    const impatient = new AbortController()
    const second = limit.acquire(impatient.signal)
    await settled()
    const third = limit.acquire(never)
    impatient.abort(new Error('no longer'))
    await expect(second).rejects.toThrow('no longer')
    await settled()
    clock.fireNext()
    using _third = await third
    expect(clock.monotonic()).toBe(1000)
  })

  test('are shared by streams with the same scheme, host and port only', () => {
    const { of: permitsOf } = limitedServers(virtualClock(0))
    const limits: ServerLimits = { concurrentRequests: 1 }
    const one = permitsOf({ url: 'https://polaris.example:3443/core/api/', limits })
    expect(permitsOf({ url: 'https://POLARIS.example:3443', limits })).toBe(one)
    for (const url of ['http://polaris.example:3443', 'https://polaris.example', 'https://other.example:3443'])
      expect(permitsOf({ url, limits })).not.toBe(one)
  })
})

/** Reads that wait for a permit one after the other; `release` ends the first of those that were granted. */
function queued(limits: ServerLimits, replicas = 1) {
  const clock = virtualClock(0)
  const limit = rateLimit(limits, clock)
  limit.share(replicas)
  const granted: string[] = []
  const permits: Disposable[] = []
  const add = (name: string, turn: Turn) =>
    void limit.acquire(never, turn).then((permit) => {
      granted.push(name)
      permits.push(permit)
    })
  const release = async () => {
    permits.shift()?.[Symbol.dispose]()
    await settled()
  }
  return { clock, limit, granted, add, release }
}

describe('live reads', () => {
  test('go before background reads of all streams, which keep a fifth', async () => {
    const { granted, add, release } = queued({ concurrentRequests: 1 })
    add('first', 'background')
    await settled()
    for (const name of ['b1', 'b2', 'b3']) add(name, 'background')
    for (let live = 1; live <= 9; live += 1) add(`l${live}`, 'live')
    for (let reads = 0; reads < 13; reads += 1) await release()
    const expected = ['first', 'l1', 'l2', 'l3', 'l4', 'b1', 'l5', 'l6', 'l7', 'l8', 'b2', 'l9', 'b3']
    expect(granted).toEqual(expected)
  })

  test('go first also where requests wait for the allowed rate', async () => {
    const { clock, granted, add } = queued({ concurrentRequests: 8, requestsPerSecond: 1 })
    add('first', 'background')
    for (const name of ['b1', 'b2']) add(name, 'background')
    add('l1', 'live')
    for (let timer = 0; timer < 3; timer += 1) {
      await settled()
      clock.fireNext()
    }
    await settled()
    expect(granted).toEqual(['first', 'l1', 'b1', 'b2'])
    expect(clock.monotonic()).toBe(3000)
  })
})

describe('the limits of a server', () => {
  const open = async (limits: ServerLimits, replicas: number) => {
    const { granted, add } = queued(limits, replicas)
    for (let read = 0; read < 10; read += 1) add(`${read}`, 'live')
    await settled()
    return granted.length
  }

  test('count for all replicas that read from it together, and allow each of them one request at a time', async () => {
    expect(await open({ concurrentRequests: 8 }, 1)).toBe(8)
    expect(await open({ concurrentRequests: 8 }, 3)).toBe(2)
    expect(await open({ concurrentRequests: 8 }, 20)).toBe(1)
  })

  test('and the rate are divided again when replicas come and go', async () => {
    const clock = virtualClock(0)
    const servers = limitedServers(clock)
    const permits = servers.of({
      url: 'https://a.example/shop',
      limits: { concurrentRequests: 8, requestsPerSecond: 1 },
    })
    servers.share(new Map([['https://a.example', 4]]))
    const starts: number[] = []
    for (let read = 0; read < 4; read += 1) void permits.acquire(never).then(() => starts.push(clock.monotonic()))
    const pass = async () => {
      await settled()
      clock.fireNext()
      await settled()
    }
    await pass()
    servers.share(new Map())
    await pass()
    await pass()
    expect(starts).toEqual([0, 4000, 8000, 9000])
  })
})

test('a wait that is longer than the poll interval is reported', async () => {
  const clock = virtualClock(0)
  const permits = rateLimit({ concurrentRequests: 1 }, clock)
  const events: SourceEvent[] = []
  const parts = { permits, clock, intervalMs: 5000, observe: (event: SourceEvent) => events.push(event) }
  for (const waitedMs of [5000, 5001]) {
    const permit = await permits.acquire(never)
    const answered = permitted(parts, { turn: 'background' }, never)
    await settled()
    clock.jump(waitedMs)
    permit[Symbol.dispose]()
    ;(await answered)[Symbol.dispose]()
  }
  expect(events.filter(({ kind }) => kind === 'request-waited-long')).toEqual([
    { kind: 'request-waited-long', turn: 'background', waitedMs: 5001 },
  ])
})
