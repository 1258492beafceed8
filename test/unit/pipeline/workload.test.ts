import { describe, expect, test } from 'vitest'
import { workloadLog } from '../../../connector/pipeline/read/workload.ts'
import type { Candidate } from '../../../connector/scan/scheduler.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'

const INTERVAL = 1000
const pace = { intervalMs: INTERVAL, maxIntervalMs: 6 * INTERVAL }

/** The start times of live scans with these durations. */
function startTimes(phase: number, tookMs: readonly number[]): number[] {
  const clock = virtualClock(0, () => phase)
  const load = workloadLog(clock, pace)
  return tookMs.map((ms) => {
    const startedAt = clock.monotonic()
    load.liveBegins()
    clock.jump(ms)
    clock.jump(Math.max(0, load.liveDueAt - clock.monotonic()))
    return startedAt
  })
}

/** Pseudo-random, the same in each run. */
const random = (seed: number) => Math.abs(Math.sin(seed + 1) * 10_000) % 1

describe('live scans', () => {
  test('start at once, then one interval apart from start to start, at a random phase', () => {
    expect(startTimes(0.75, [10, 20, 30, 40])).toEqual([0, 250, 1250, 2250])
    expect(startTimes(0.25, [10, 20, 30, 40])).toEqual([0, 750, 1750, 2750])
  })

  test('start at once after one longer than the interval, and return to their phase with the next', () => {
    expect(startTimes(0.5, [0, 1600, 0, 0])).toEqual([0, 500, 2100, 2500])
    expect(startTimes(0.5, [0, 5400, 0, 0])).toEqual([0, 500, 5900, 6500])
  })

  test('spread again when streams were delayed together', () => {
    const [one, other] = [0.1, 0.9].map((phase) => startTimes(phase, [20_000, 0, 0, 0]))
    expect(one?.[1]).toBe(other?.[1])
    expect([one, other].map((times) => times?.slice(2))).toEqual([
      [20_900, 21_900],
      [20_100, 21_100],
    ])
  })

  test('are spread over the interval when two hundred streams start together', () => {
    const perTenth = Array.from({ length: 10 }, () => 0)
    for (let stream = 0; stream < 200; stream += 1) {
      const [, , third = 0] = startTimes(random(stream), [0, 0, 0])
      const tenth = Math.floor(((third % INTERVAL) / INTERVAL) * 10)
      perTenth[tenth] = (perTenth[tenth] ?? 0) + 1
    }
    expect(Math.max(...perTenth)).toBeLessThan(40)
    expect(Math.min(...perTenth)).toBeGreaterThan(5)
  })
})

describe('live scans of a quiet stream', () => {
  const MINUTE = 60_000
  const start = () => {
    const clock = virtualClock(0, () => 0)
    return { clock, load: workloadLog(clock, pace) }
  }
  /** Begins live scans until then; the times between their starts during the last minute. */
  const gapsUntil = ({ clock, load }: ReturnType<typeof start>, until: number) => {
    const starts: number[] = []
    while (clock.monotonic() < until) {
      starts.push(clock.monotonic())
      load.liveBegins()
      clock.jump(Math.max(0, load.liveDueAt - clock.monotonic()))
    }
    return starts
      .filter((at) => at > until - MINUTE)
      .map((at, index, all) => at - (all[index - 1] ?? at))
      .slice(1)
  }
  const largest = (gaps: readonly number[]) => Math.max(...gaps)

  test('begin step by step more rarely after ten minutes without a change, up to the longest interval', () => {
    const stream = start()
    expect(largest(gapsUntil(stream, 10 * MINUTE))).toBe(INTERVAL)
    expect(largest(gapsUntil(stream, 11 * MINUTE))).toBe(2 * INTERVAL)
    expect(largest(gapsUntil(stream, 12 * MINUTE))).toBe(4 * INTERVAL)
    expect(largest(gapsUntil(stream, 14 * MINUTE))).toBe(6 * INTERVAL)
    expect(largest(gapsUntil(stream, 600 * MINUTE))).toBe(6 * INTERVAL)
  })

  test('begin at the full pace again at once when a change is found, for another ten minutes', () => {
    const stream = start()
    gapsUntil(stream, 20 * MINUTE)
    stream.load.found(1)
    expect(stream.load.liveDueAt - stream.clock.monotonic()).toBeLessThanOrEqual(INTERVAL)
    expect(largest(gapsUntil(stream, 29 * MINUTE))).toBe(INTERVAL)
    stream.load.found(1)
    expect(largest(gapsUntil(stream, 35 * MINUTE))).toBe(6 * INTERVAL)
  })
})

describe('background scans', () => {
  const candidates = (...names: readonly string[]): Candidate[] =>
    names.map((name) => ({ name, choice: { kind: 'read', tag: 1 } }))

  test('wait since they could read, or since their last page', () => {
    const clock = virtualClock(0)
    const load = workloadLog(clock, pace)
    load.waiting(candidates('a'))
    clock.jump(100)
    load.waiting(candidates('a', 'b'))
    expect([...load.waitingSince]).toEqual([
      ['a', 0],
      ['b', 100],
    ])
    clock.jump(100)
    load.backgroundPage('a', 50)
    load.waiting(candidates('a', 'b'))
    expect(load.waitingSince.get('a')).toBe(200)
    load.waiting(candidates('a'))
    expect([...load.waitingSince.keys()]).toEqual(['a'])
  })

  test('end the time that live scans have had', () => {
    const clock = virtualClock(0)
    const load = workloadLog(clock, pace)
    load.livePage(30)
    load.livePage(40)
    expect([load.liveMs, load.background]).toEqual([70, undefined])
    clock.jump(100)
    load.backgroundPage('a', 50)
    expect([load.liveMs, load.background]).toEqual([0, { endedAt: 100, tookMs: 50 }])
  })
  test('take no longer than a request can: a process that stood still does not make background scans pause for days', () => {
    const load = workloadLog(virtualClock(0), pace)
    load.backgroundPage('a', 8 * 86_400_000)
    expect(load.background?.tookMs).toBe(300_000)
  })
})
