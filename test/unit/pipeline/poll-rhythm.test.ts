import { describe, expect, test } from 'vitest'
import { pollRhythm } from '../../../connector/pipeline/poll-rhythm.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const INTERVAL = 1000

/** When polls begin that take so long each. */
function beginnings(share: number, tookMs: readonly number[]): number[] {
  const clock = virtualClock(0, () => share)
  const rhythm = pollRhythm(clock, INTERVAL)
  return tookMs.map((ms) => {
    const began = clock.monotonic()
    clock.pass(ms)
    clock.pass(rhythm.pauseMs())
    return began
  })
}

/** Chance, the same in each run. */
const random = (seed: number) => Math.abs(Math.sin(seed + 1) * 10_000) % 1

describe('polls', () => {
  test('begin at once, and from then on an interval apart from start to start, at a phase of their own', () => {
    expect(beginnings(0.25, [10, 20, 30, 40])).toEqual([0, 250, 1250, 2250])
    expect(beginnings(0.75, [10, 20, 30, 40])).toEqual([0, 750, 1750, 2750])
  })

  test('begin at once after one that took longer, and are back at their phase with the next', () => {
    expect(beginnings(0.5, [0, 1600, 0, 0])).toEqual([0, 500, 2100, 2500])
    expect(beginnings(0.5, [0, 5400, 0, 0])).toEqual([0, 500, 5900, 6500])
  })

  test('of streams that were held up together spread again', () => {
    const [one, other] = [0.1, 0.9].map((share) => beginnings(share, [20_000, 0, 0, 0]))
    expect(one?.[1]).toBe(other?.[1])
    expect(one?.slice(2)).toEqual([20_100, 21_100])
    expect(other?.slice(2)).toEqual([20_900, 21_900])
  })

  test('of two hundred streams that begin together are spread over the interval', () => {
    const rhythms = Array.from({ length: 200 }, (_, number) => beginnings(random(number), [0, 0, 0]))
    const perTenth = Array.from({ length: 10 }, () => 0)
    for (const began of rhythms) {
      const tenth = Math.floor((((began[2] ?? 0) % INTERVAL) / INTERVAL) * 10)
      perTenth[tenth] = (perTenth[tenth] ?? 0) + 1
    }
    expect(Math.max(...perTenth)).toBeLessThan(40)
    expect(Math.min(...perTenth)).toBeGreaterThan(5)
  })

  test('do not begin twice when a timer fires a little early', () => {
    const clock = virtualClock(0, () => 0.5)
    const rhythm = pollRhythm(clock, INTERVAL)
    clock.pass(rhythm.pauseMs() - 1)
    expect(rhythm.pauseMs()).toBe(INTERVAL + 1)
  })
})
