import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { pauseAfterError, type RetryPolicy, retry } from '../../../connector/runtime/retry.ts'
import { settled, virtualClock } from '../../support/fakes/virtual-clock.ts'

// An operation fails as often as the test says, in virtual time.

const policy: RetryPolicy = { retries: 3, firstPauseMs: 100, maxPauseMs: 1_000, maxRetryAfterMs: 5_000 }
const transient = (retryAfterMs?: number) => new ConnectorError('source.unreachable', 'no answer', { retryAfterMs })

describe('the pause before a retry', () => {
  const pauseOf = (attempt: number, random: number, more: { retryAfterMs?: number; jitter?: number } = {}) => {
    const clock = { random: () => random }
    return pauseAfterError(transient(more.retryAfterMs), attempt, { policy: { ...policy, ...more }, clock })
  }

  test('doubles under a cap, with full jitter or less', () => {
    expect([1, 2, 3, 4, 5, 6].map((attempt) => pauseOf(attempt, 1))).toEqual([100, 200, 400, 800, 1000, 1000])
    expect([0, 0.5].map((random) => pauseOf(3, random))).toEqual([0, 200])
    expect([0, 0.5].map((jitter) => pauseOf(3, 0, { jitter }))).toEqual([400, 200])
  })

  test('is at least what the server requests, up to a maximum', () => {
    expect(pauseOf(1, 0, { retryAfterMs: 3_000 })).toBe(3_000)
    expect(pauseOf(1, 0, { retryAfterMs: 60_000 })).toBe(5_000)
    expect(pauseOf(4, 1, { retryAfterMs: 300 })).toBe(800)
  })
})

/** An operation that fails with these errors in order and then succeeds, and the times of its attempts. */
function retrying(errors: readonly Error[], more: Partial<RetryPolicy> = {}) {
  const clock = virtualClock(0, () => 1)
  const stopping = new AbortController()
  const reported: [unknown, number][] = []
  const attempts: number[] = []
  const result = retry(
    async () => {
      const error = errors[attempts.length]
      attempts.push(clock.now())
      if (error !== undefined) throw error
      return 'done'
    },
    { clock, policy: { ...policy, ...more }, onRetry: (error, attempt) => reported.push([error, attempt]) },
    stopping.signal,
  )
  result.catch(() => {})
  return { result, clock, stopping, reported, attempts }
}

describe('retry', () => {
  test('retries after transient errors, on the clock, and reports each', async () => {
    const errors = [transient(), transient()]
    const { result, clock, reported, attempts } = retrying(errors)
    await clock.advance(300)
    expect(await result).toBe('done')
    expect(attempts).toEqual([0, 100, 300])
    expect(reported).toEqual([
      [errors[0], 1],
      [errors[1], 2],
    ])
  })

  test('rejects with the last error when the retries are exhausted, and reports no further retry', async () => {
    const errors = [transient(), transient(), transient(), transient(), transient()]
    const { result, clock, reported, attempts } = retrying(errors)
    await clock.advance(5_000)
    await expect(result).rejects.toBe(errors[3])
    expect([attempts.length, reported.length]).toEqual([4, 3])
  })

  test('retries indefinitely when the policy is unlimited', async () => {
    const errors = new Array(200).fill(transient())
    const { result, clock, attempts } = retrying(errors, { retries: Number.POSITIVE_INFINITY })
    await clock.advance(200_000)
    expect(await result).toBe('done')
    expect(attempts).toHaveLength(201)
  })

  test.each<ErrorCode>(['source.unauthorized', 'publish.fenced', 'config.invalid', 'bug'])(
    'does not retry after %s',
    async (code) => {
      const error = new ConnectorError(code, 'permanent')
      const { result, attempts } = retrying([error])
      await expect(result).rejects.toBe(error)
      expect(attempts).toHaveLength(1)
    },
  )

  test('rejects with the reason of the stop during a pause', async () => {
    const { result, stopping, clock, attempts } = retrying([transient()])
    await settled()
    const reason = new DOMException('stop', 'AbortError')
    stopping.abort(reason)
    await expect(result).rejects.toBe(reason)
    expect([attempts.length, clock.nextTimerAt()]).toEqual([1, undefined])
  })

  test('does not start when the signal has already aborted', async () => {
    const reason = new DOMException('stop', 'AbortError')
    let attempts = 0
    const parts = { clock: virtualClock(0), policy, onRetry: () => {} }
    const result = retry(async () => (attempts += 1), parts, AbortSignal.abort(reason))
    await expect(result).rejects.toBe(reason)
    expect(attempts).toBe(0)
  })
})
