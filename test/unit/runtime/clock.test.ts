import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../connector/runtime/clock.ts'

const { signal } = new AbortController()
const reason = new DOMException('stop', 'AbortError')

describe("the machine's clock", () => {
  test('sleeps, and time has passed', async () => {
    const before = systemClock.monotonic()
    await systemClock.sleep(5, signal)
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(4)
  })

  test('wakes up with the reason of the stop, at once', async () => {
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
    const stopping = new AbortController()
    const asleep = systemClock.sleep(60_000, stopping.signal)
    stopping.abort(reason)
    await expect(asleep).rejects.toBe(reason)
  })

  test('does not take a very long time for none', async () => {
    const stopping = new AbortController()
    const woken: string[] = []
    systemClock.sleep(2 ** 40, stopping.signal).then(
      () => woken.push('slept'),
      () => woken.push('stopped'),
    )
    using deadline = systemClock.deadline(2 ** 40)
    await systemClock.sleep(5, signal)
    expect([woken, deadline.signal.aborted]).toEqual([[], false])
    stopping.abort()
  })

  test('a deadline aborts when its time is over, or with its parent', async () => {
    using short = systemClock.deadline(1)
    await new Promise<void>((resolve) => short.signal.addEventListener('abort', () => resolve()))
    expect(String(short.signal.reason)).toContain('not done within 1 ms')

    const parent = new AbortController()
    using long = systemClock.deadline(60_000, parent.signal)
    parent.abort(reason)
    expect(long.signal.reason).toBe(reason)
  })

  test('a deadline that is disposed of never comes', async () => {
    const deadline = systemClock.deadline(1)
    deadline[Symbol.dispose]()
    await systemClock.sleep(5, signal)
    expect(deadline.signal.aborted).toBe(false)
  })

  test('tells the time and throws dice', () => {
    expect(systemClock.now()).toBeGreaterThan(Date.parse('2026-01-01'))
    const thrown = systemClock.random()
    expect(thrown >= 0 && thrown < 1).toBe(true)
  })
})
