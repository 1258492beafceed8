import { expect, test } from 'vitest'
import { graceAfter } from '../../../connector/runtime/grace.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('the grace begins with the stop, and not before', async () => {
  const clock = virtualClock(0)
  const stopping = new AbortController()
  using grace = graceAfter(stopping.signal, 25_000, clock)
  expect(clock.nextTimerAt()).toBeUndefined()
  clock.pass(1_000)
  stopping.abort()
  expect(clock.nextTimerAt()).toBe(26_000)
  expect(grace.signal.aborted).toBe(false)
  clock.fireNext()
  await settled()
  expect(String(grace.signal.reason)).toContain('25000 ms')
})

test('after a stop that came before, it begins at once', async () => {
  const clock = virtualClock(0)
  using grace = graceAfter(AbortSignal.abort(), 25_000, clock)
  clock.fireNext()
  await settled()
  expect(grace.signal.aborted).toBe(true)
})

test('what finishes in time leaves no timer behind, and nothing aborts afterwards', async () => {
  const clock = virtualClock(0)
  const stopping = new AbortController()
  const grace = graceAfter(stopping.signal, 25_000, clock)
  stopping.abort()
  grace[Symbol.dispose]()
  await settled()
  expect(clock.nextTimerAt()).toBeUndefined()
  expect(grace.signal.aborted).toBe(false)

  const unused = new AbortController()
  graceAfter(unused.signal, 25_000, clock)[Symbol.dispose]()
  unused.abort()
  expect(clock.nextTimerAt()).toBeUndefined()
})
