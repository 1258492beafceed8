import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FailedLimit, failedAfter, type LimitChange, nextLimit } from '../../../connector/scan/page-limit.ts'
import { DAY, HOUR, MINUTE, noon } from './scans.ts'

const begin = (configured: number): LimitChange => ({ kind: 'begin', configured })
const tooMuch = (limit: number): LimitChange => ({ kind: 'too-much', limit })
const stuck = (limit: number): LimitChange => ({ kind: 'stuck', limit })
/** Failed at noon. */
const failed = (limit: number, attempts = 1): FailedLimit => ({
  ...{ limit, attempts, until: noon + 15 * MINUTE * 2 ** (attempts - 1) },
})

describe('the limit of a scan that begins', () => {
  test.each<[string, LimitChange, FailedLimit | null, number, number]>([
    ['as configured', begin(100), null, 0, 100],
    ['as configured, if only larger pages failed', begin(100), failed(101), 0, 100],
    ['half of what failed', begin(100), failed(100), 0, 50],
    ['half of what failed, whatever is configured', begin(5_000), failed(312), 0, 156],
    ['just before the limit is tried again', begin(5_000), failed(312), 15 * MINUTE - 1, 156],
    ['the limit that failed, after 15 minutes', begin(5_000), failed(312), 15 * MINUTE, 312],
    ['twice as much 15 minutes later', begin(5_000), failed(312), 30 * MINUTE, 624],
    ['as configured at last', begin(5_000), failed(312), 90 * MINUTE, 5_000],
    ['later, after a second failed attempt', begin(5_000), failed(312, 2), 30 * MINUTE - 1, 156],
    ['after pages that failed: half', tooMuch(100), failed(100), 0, 50],
    ['after pages that failed: below a smaller limit that failed', tooMuch(800), failed(200), 0, 100],
    ['after pages that failed: at least 1', tooMuch(1), failed(1), 0, 1],
    ['stuck: doubled', stuck(100), null, 0, 200],
    ['stuck: doubled, below a limit that failed', stuck(100), failed(1_000), 0, 200],
    ['stuck: half of the way to a limit that failed', stuck(100), failed(200), 0, 150],
    ['stuck: below a limit that failed', stuck(300), failed(200), 0, 199],
    ['stuck: no more than that', stuck(199), failed(200), 0, 199],
    ['stuck: doubled again once the limit may be tried', stuck(199), failed(200), 15 * MINUTE, 398],
    ['stuck: up to a maximum', stuck(4_000), null, 0, 6_400],
    ['stuck: not less than before', stuck(60_000), null, 0, 60_000],
  ])('%s', (_, change, before, afterMs, expected) => {
    expect(nextLimit(change, before, noon + afterMs)).toBe(expected)
  })
})

describe('what is known of a limit that failed', () => {
  test.each<[string, FailedLimit | null, number, number, Partial<FailedLimit>]>([
    ['it is new', null, 100, 0, { limit: 100, attempts: 1, until: noon + 15 * MINUTE }],
    ['a smaller one fails too', failed(100), 50, 0, { limit: 50, attempts: 1, until: noon + 15 * MINUTE }],
    ['a scan in progress had a larger one', failed(100), 400, 0, failed(100)],
    ['it fails again', failed(100), 100, HOUR, { limit: 100, attempts: 2, until: noon + HOUR + 30 * MINUTE }],
    ['it fails again and again', failed(100, 40), 100, 3650 * DAY, { attempts: 41, until: noon + 3651 * DAY }],
    ['a larger one fails after it had passed', failed(100), 200, HOUR, { limit: 200, attempts: 1 }],
  ])('%s', (_, before, limit, afterMs, expected) => {
    const state = before?.attempts === 40 ? { ...before, until: noon } : before
    expect(failedAfter(state, limit, noon + afterMs)).toMatchObject(expected)
  })
})

test('a server that answers any limit below its own is read with at least half of it, and rarely asked for more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5_000 }), fc.integer({ min: 1, max: 5_000 }), (serverLimit, configured) => {
      let state: FailedLimit | null = null
      let failures = 0
      for (let minute = 0; minute < 7 * 24 * 60; minute += 5) {
        const now = noon + minute * MINUTE
        let limit = nextLimit(begin(configured), state, now)
        while (limit >= serverLimit) {
          failures += 1
          state = failedAfter(state, limit, now)
          limit = nextLimit(tooMuch(limit), state, now)
          expect(limit).toBeLessThan(state.limit)
        }
        expect(limit).toBeGreaterThanOrEqual(Math.min(configured, Math.floor(serverLimit / 2)))
      }
      // First down from the configured limit, then an attempt after pauses that double to a day.
      expect(failures).toBeLessThanOrEqual(13 + 14)
    }),
    { numRuns: 30 },
  )
})
