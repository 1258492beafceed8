import { describe, expect, test } from 'vitest'
import type { ServerLimits } from '../../../connector/source/polaris-config.ts'
import { limitedTurns, serverTurns } from '../../../connector/source/server-turns.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const never = new AbortController().signal
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the turns of a server', () => {
  test('begin no more often than the rate allows, evenly spread, in the order of asking', async () => {
    const clock = virtualClock(0)
    const line = limitedTurns({ concurrentRequests: 100, requestsPerSecond: 4 }, clock)
    const began: string[] = []
    for (const name of ['a', 'b', 'c']) void line.take(never).then(() => began.push(`${name} ${clock.monotonic()}`))
    for (let timer = 0; timer < 3; timer += 1) {
      await settled()
      clock.fireNext()
    }
    await settled()
    expect(began).toEqual(['a 0', 'b 250', 'c 500'])
  })

  test('of one that gives up while it waits for the rate are free for the next, which waits no longer for it', async () => {
    const clock = virtualClock(0)
    const line = limitedTurns({ concurrentRequests: 2, requestsPerSecond: 1 }, clock)
    const first = line.take(never)
    await settled()
    clock.fireNext()
    using _first = await first
    const impatient = new AbortController()
    const second = line.take(impatient.signal)
    await settled()
    const third = line.take(never)
    impatient.abort(new Error('no longer'))
    await expect(second).rejects.toThrow('no longer')
    await settled()
    clock.fireNext()
    using _third = await third
    expect(clock.monotonic()).toBe(1000)
  })

  test('are shared by the streams of one scheme, host and port, and by no others', () => {
    const turnsOf = serverTurns(virtualClock(0))
    const limits: ServerLimits = { concurrentRequests: 1 }
    const one = turnsOf({ url: 'https://polaris.example:3443/core/api/', limits })
    expect(turnsOf({ url: 'https://POLARIS.example:3443', limits })).toBe(one)
    for (const url of ['http://polaris.example:3443', 'https://polaris.example', 'https://other.example:3443'])
      expect(turnsOf({ url, limits })).not.toBe(one)
  })
})
