import { describe, expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { streamTries } from '../../../connector/stream/stream-tries.ts'
import { published } from '../../support/every-pipeline-event.ts'

// Shows on a clock of its own what each failure is followed by, and which event ends it.

const second = 1000
const minute = 60 * second
const emptyGroup = published({ events: 0 }, { hasLiveEnd: false, deadLetters: 0 })
const withRecords = published({ events: 1 }, { hasLiveEnd: false })
const liveEnd = published({ events: 0 }, { hasLiveEnd: true })

/** Tries of one stream. */
function trying({ random = 1 } = {}) {
  let now = 0
  const tries = streamTries({ random: () => random, monotonic: () => now })
  const error = (code: ErrorCode | Error) => (typeof code === 'string' ? new ConnectorError(code, 'scripted') : code)
  return {
    failed: (code: ErrorCode | Error, of: 'delivery' | 'other' = 'other') => tries.afterFailure(error(code), of),
    /** A try begins, and the stream is open; then the pipeline reports these events. */
    runs: (...events: readonly PipelineEvent[]) => {
      tries.onRunning(now)
      for (const event of events) tries.onEvent(event)
    },
    seen: (event: PipelineEvent) => tries.onEvent(event),
    isFailing: tries.isFailing,
    isDeliveryFailing: tries.isDeliveryFailing,
    pass: (ms: number) => {
      now += ms
    },
  }
}
const times = <Value>(count: number, value: () => Value) => Array.from({ length: count }, value)

describe('a transient failure', () => {
  test('is followed by a pause between nothing and a limit that doubles from half a second to 30 seconds', () => {
    const longest = trying()
    const pauses = times(9, () => longest.failed('publish.failed').pauseMs)
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(trying({ random: 0 }).failed('publish.failed').pauseMs).toBe(0)
  })

  test('waits as long as the server asks, at most two minutes', () => {
    const { failed } = trying()
    const throttled = (retryAfterMs: number) => new ConnectorError('source.throttled', 'scripted', { retryAfterMs })
    expect(failed(throttled(7_000)).pauseMs).toBe(7_000)
    expect(failed(throttled(3_600_000)).pauseMs).toBe(2 * minute)
  })

  test('is repeated until it is over', () => {
    const { failed } = trying()
    const codes = ['publish.failed', 'publish.failed', 'storage.unavailable', 'publish.failed'] as const
    expect(codes.map((code) => failed(code).isRepeated)).toEqual([false, true, false, true])
  })
})

describe('pauses', () => {
  test('grow whatever works between the failures, until the stream has run for five minutes', () => {
    const { failed, runs, pass, seen } = trying()
    const pausesOf = (count: number) =>
      times(count, () => {
        runs(withRecords, liveEnd)
        return failed('publish.failed')
      })
    expect(pausesOf(4).map(({ pauseMs }) => pauseMs)).toEqual([500, 1_000, 2_000, 4_000])
    runs(liveEnd)
    pass(5 * minute - 1)
    seen(liveEnd)
    expect(failed('publish.failed').times).toBe(5)
    runs(liveEnd)
    pass(5 * minute)
    expect(failed('publish.failed')).toMatchObject({ times: 1, pauseMs: 500, isRepeated: false })
  })

  test('do not begin again because an opening alone took five minutes', () => {
    const { failed, pass } = trying()
    failed('publish.failed')
    pass(6 * minute)
    expect(failed('publish.failed')).toMatchObject({ times: 2, isRepeated: true })
  })
})

describe('a failure', () => {
  test.each([
    ['a page group with records is committed', withRecords],
    ['a dead letter is committed', published({ events: 0 }, { hasLiveEnd: false, deadLetters: 1 })],
    ['a live scan ends', liveEnd],
  ])('is over once %s', (_, event) => {
    const { failed, runs, isFailing } = trying()
    for (const code of ['publish.failed', 'publish.refused', 'publish.fenced'] as const) failed(code)
    runs(emptyGroup)
    expect(isFailing()).toBe(true)
    runs(event)
    expect(isFailing()).toBe(false)
  })

  test('that comes back within five minutes recurs: only five minutes without it end it', () => {
    const { failed, runs, seen, pass, isFailing } = trying()
    failed('publish.refused')
    runs(liveEnd)
    expect(isFailing()).toBe(false)
    expect(failed('publish.refused')).toMatchObject({ isRepeated: false, times: 2 })
    runs(liveEnd, withRecords)
    expect(isFailing()).toBe(true)
    expect(failed('publish.refused')).toMatchObject({ isRepeated: true, times: 3 })
    runs(liveEnd)
    pass(5 * minute - 1)
    seen(liveEnd)
    expect(isFailing()).toBe(true)
    pass(1)
    seen(liveEnd)
    expect(isFailing()).toBe(false)
    expect(failed('publish.refused')).toMatchObject({ isRepeated: false, times: 1 })
  })

  test('recurs too when failures with other codes lie in between', () => {
    const { failed, runs, isFailing } = trying()
    for (const code of ['publish.failed', 'storage.unavailable'] as const) {
      failed(code)
      runs(liveEnd)
      expect(isFailing()).toBe(false)
    }
    failed('publish.failed')
    runs(liveEnd)
    expect(isFailing()).toBe(true)
  })

  test('of a delivery is known as one until it is over', () => {
    const { failed, runs, isDeliveryFailing } = trying()
    failed('storage.unavailable')
    expect(isDeliveryFailing()).toBe(false)
    failed('publish.failed', 'delivery')
    failed('storage.unavailable')
    expect(isDeliveryFailing()).toBe(true)
    runs(withRecords)
    expect(isDeliveryFailing()).toBe(false)
  })
})

describe('a hold', () => {
  const minutes = (next: { readonly pauseMs: number }) => next.pauseMs / minute

  test('is tried again after 1, 2, 4, 8 and 15 minutes, and then every 15 minutes, whatever the server asks', () => {
    const { failed } = trying()
    const refused = new ConnectorError('source.forbidden', 'scripted', { retryAfterMs: 24 * 60 * minute })
    expect(times(7, () => minutes(failed(refused)))).toEqual([1, 2, 4, 8, 15, 15, 15])
  })
})

describe('a fence', () => {
  test('is followed by 2.5 to 5 seconds, doubling up to two minutes', () => {
    const longest = trying()
    const shortest = trying({ random: 0 })
    const fenced = ({ failed }: ReturnType<typeof trying>) => times(7, () => failed('publish.fenced').pauseMs)
    expect(fenced(longest)).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000])
    expect(fenced(shortest)).toEqual([2_500, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
  })

  test('counts those before it only if each came within five minutes of the former', () => {
    const { failed, pass } = trying()
    failed('publish.fenced')
    pass(5 * minute)
    expect(failed('publish.fenced')).toMatchObject({ kind: 'fenced', times: 2 })
    pass(5 * minute + 1)
    expect(failed('publish.fenced')).toMatchObject({ times: 1, pauseMs: 5_000 })
  })

  test('is counted through other failures in between, and never recurs', () => {
    const { failed, runs, isFailing } = trying()
    failed('publish.fenced')
    failed('storage.unavailable')
    runs(liveEnd)
    expect(failed('publish.fenced')).toMatchObject({ times: 2 })
    runs(liveEnd)
    expect(isFailing()).toBe(false)
  })
})
