import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { pauseMs, type RetryPolicy, retry } from '../../../connector/runtime/retry.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const policy: RetryPolicy = { retries: 3, firstPauseMs: 100, maxPauseMs: 1_000, maxRetryAfterMs: 5_000 }
const settled = () => new Promise((resolve) => setImmediate(resolve))
const transient = (retryAfterMs?: number) => new ConnectorError('source.unreachable', 'no answer', { retryAfterMs })

describe('the pause before another try', () => {
  test('doubles under a cap, with full jitter', () => {
    const caps = [1, 2, 3, 4, 5, 6].map((attempt) => pauseMs(policy, attempt, 1))
    expect(caps).toEqual([100, 200, 400, 800, 1000, 1000])
    expect(pauseMs(policy, 3, 0)).toBe(0)
    expect(pauseMs(policy, 3, 0.5)).toBe(200)
  })

  test('is at least what the other side asks for, up to a ceiling', () => {
    expect(pauseMs(policy, 1, 0, 3_000)).toBe(3_000)
    expect(pauseMs(policy, 1, 0, 60_000)).toBe(5_000)
    expect(pauseMs(policy, 4, 1, 300)).toBe(800)
  })

  test('is always a length of time, however often it was tried', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const pause = pauseMs(policy, attempt, random)
          expect(pause).toBeGreaterThanOrEqual(0)
          expect(pause).toBeLessThanOrEqual(policy.maxPauseMs)
        },
      ),
    )
  })
})

/** An operation that fails with these errors, one after the other, and then succeeds. */
function retrying(errors: readonly Error[], more: Partial<RetryPolicy> = {}) {
  const clock = virtualClock(0, () => 1)
  const stopping = new AbortController()
  const heard: [unknown, number][] = []
  let tries = 0
  const result = retry(
    async () => {
      const error = errors[tries]
      tries += 1
      if (error !== undefined) throw error
      return 'done'
    },
    { clock, policy: { ...policy, ...more }, onRetry: (error, attempt) => heard.push([error, attempt]) },
    stopping.signal,
  )
  result.catch(() => {})
  const pass = async (timers: number) => {
    const at: number[] = []
    for (let timer = 0; timer < timers; timer += 1) {
      await settled()
      clock.fireNext()
      at.push(clock.now())
    }
    await settled()
    return at
  }
  return { result, clock, stopping, heard, pass, tries: () => tries }
}

describe('retrying', () => {
  test('tries again after transient errors, on the clock, and tells of each', async () => {
    const errors = [transient(), transient()]
    const { result, pass, heard } = retrying(errors)
    expect(await pass(2)).toEqual([100, 300])
    expect(await result).toBe('done')
    expect(heard).toEqual([
      [errors[0], 1],
      [errors[1], 2],
    ])
  })

  test('waits as long as the other side asks for', async () => {
    const { pass } = retrying([transient(4_000)])
    expect(await pass(1)).toEqual([4_000])
  })

  test('gives up with the last error when the tries are spent, without telling of another', async () => {
    const errors = [transient(), transient(), transient(), transient(), transient()]
    const { result, pass, heard, tries } = retrying(errors)
    await pass(3)
    await expect(result).rejects.toBe(errors[3])
    expect([tries(), heard.length]).toEqual([4, 3])
  })

  test('tries for ever where it is told to', async () => {
    const { result, pass, tries } = retrying(new Array(200).fill(transient()), { retries: Number.POSITIVE_INFINITY })
    await pass(200)
    expect(await result).toBe('done')
    expect(tries()).toBe(201)
  })

  test.each<ErrorCode>(['source.unauthorized', 'publish.fenced', 'config.invalid', 'bug'])(
    'does not try again after %s',
    async (code) => {
      const error = new ConnectorError(code, 'for good')
      const { result, tries } = retrying([error])
      await expect(result).rejects.toBe(error)
      expect(tries()).toBe(1)
    },
  )

  test('takes anything but a ConnectorError for a defect', async () => {
    const error = new TypeError('fetch failed')
    const { result, tries } = retrying([error])
    await expect(result).rejects.toBe(error)
    expect(tries()).toBe(1)
  })

  test('stops in a pause with the reason that it is given', async () => {
    const { result, stopping, clock, tries } = retrying([transient()])
    await settled()
    const reason = new DOMException('stop', 'AbortError')
    stopping.abort(reason)
    await expect(result).rejects.toBe(reason)
    expect([tries(), clock.nextTimerAt()]).toEqual([1, undefined])
  })

  test('does not begin when it is stopped already', async () => {
    const reason = new DOMException('stop', 'AbortError')
    let tries = 0
    const parts = { clock: virtualClock(0), policy, onRetry: () => {} }
    const result = retry(async () => (tries += 1), parts, AbortSignal.abort(reason))
    await expect(result).rejects.toBe(reason)
    expect(tries).toBe(0)
  })
})
