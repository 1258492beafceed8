import { describe, expect, test } from 'vitest'
import { rateLimit, serverLimits } from '../../../../../connector/source/polaris/http/rate-limit.ts'
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
    const permitsOf = serverLimits(virtualClock(0))
    const limits: ServerLimits = { concurrentRequests: 1 }
    const one = permitsOf({ url: 'https://polaris.example:3443/core/api/', limits })
    expect(permitsOf({ url: 'https://POLARIS.example:3443', limits })).toBe(one)
    for (const url of ['http://polaris.example:3443', 'https://polaris.example', 'https://other.example:3443'])
      expect(permitsOf({ url, limits })).not.toBe(one)
  })
})
