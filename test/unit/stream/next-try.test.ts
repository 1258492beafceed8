import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { nextTries } from '../../../connector/stream/next-try.ts'

const minute = 60_000

/** Tries that fail with these errors one after another. */
function trying({ random = 1 } = {}) {
  let now = 0
  const tries = nextTries({ random: () => random, monotonic: () => now })
  const error = (code: ErrorCode | Error) => (typeof code === 'string' ? new ConnectorError(code, 'scripted') : code)
  return {
    failed: (code: ErrorCode | Error) => tries.after(error(code)),
    progress: tries.progress,
    pass: (ms: number) => {
      now += ms
    },
  }
}
const times = <Value>(count: number, value: () => Value) => Array.from({ length: count }, value)

describe('a transient failure', () => {
  test('is followed by a pause between nothing and a limit that doubles from half a second to 30 seconds', () => {
    const longest = trying()
    const pauses = times(9, () => longest.failed('source.server-error').pauseMs)
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(trying({ random: 0 }).failed('source.server-error').pauseMs).toBe(0)
  })

  test('waits as long as the server asks, at most two minutes', () => {
    const { failed } = trying()
    const throttled = (retryAfterMs: number) => new ConnectorError('source.throttled', 'scripted', { retryAfterMs })
    expect(failed(throttled(7_000)).pauseMs).toBe(7_000)
    expect(failed(throttled(3_600_000)).pauseMs).toBe(2 * minute)
  })

  test('starts with short pauses again after progress', () => {
    const { failed, progress } = trying()
    times(5, () => failed('source.server-error'))
    progress()
    expect(failed('source.server-error')).toMatchObject({ times: 1, isRepeated: false, pauseMs: 500 })
  })

  test('is repeated until its code changes', () => {
    const { failed } = trying()
    const codes = ['source.server-error', 'source.server-error', 'source.unreachable', 'source.server-error'] as const
    expect(codes.map((code) => failed(code))).toMatchObject([
      { times: 1, isRepeated: false },
      { times: 2, isRepeated: true },
      { times: 3, isRepeated: false },
      { times: 4, isRepeated: false },
    ])
  })
})

describe('a hold', () => {
  const minutes = (next: { readonly pauseMs: number }) => next.pauseMs / minute

  test('is tried again after 1, 2, 4, 8 and 15 minutes, and then every 15 minutes', () => {
    const { failed } = trying()
    expect(times(7, () => minutes(failed('source.unauthorized')))).toEqual([1, 2, 4, 8, 15, 15, 15])
  })

  test('waits as long as the error asks', () => {
    const { failed } = trying()
    const refused = new ConnectorError('source.unauthorized', 'scripted', { retryAfterMs: 30 * minute })
    expect(minutes(failed(refused))).toBe(30)
  })
})

describe('a fence', () => {
  test('is followed by 2.5 to 5 seconds, doubling up to two minutes', () => {
    const [longest, shortest] = [trying(), trying({ random: 0 })]
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

  test('is counted through other failures and progress in between', () => {
    const { failed, progress } = trying()
    failed('publish.fenced')
    failed('source.server-error')
    progress()
    expect(failed('publish.fenced')).toMatchObject({ times: 2 })
  })
})
