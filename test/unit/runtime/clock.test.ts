import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { never } from '../../support/signals.ts'

// The real clock is used with times of a few milliseconds.

const reason = new DOMException('stop', 'AbortError')

describe('the system clock', () => {
  test('sleeps for the requested time', async () => {
    const before = systemClock.monotonic()
    await systemClock.sleep(5, never)
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(4)
  })

  test('rejects a sleep with the reason of the stop immediately', async () => {
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
    const stopping = new AbortController()
    const sleeping = systemClock.sleep(60_000, stopping.signal)
    stopping.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
  })

  test('does not fire immediately when the time exceeds the longest timer', async () => {
    const stopping = new AbortController()
    const woken: string[] = []
    systemClock.sleep(2 ** 40, stopping.signal).then(
      () => woken.push('slept'),
      () => woken.push('stopped'),
    )
    using deadline = systemClock.deadline(2 ** 40)
    await systemClock.sleep(5, never)
    expect([woken, deadline.signal.aborted]).toEqual([[], false])
    stopping.abort()
  })

  test('aborts a deadline when its time is over or its parent aborts', async () => {
    using short = systemClock.deadline(1)
    await new Promise<void>((resolve) => short.signal.addEventListener('abort', () => resolve()))
    expect(String(short.signal.reason)).toContain('not done within 1 ms')

    const parent = new AbortController()
    using long = systemClock.deadline(60_000, parent.signal)
    parent.abort(reason)
    expect(long.signal.reason).toBe(reason)
  })
})
