import type { Clock } from '../../runtime/clock.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Page } from '../../source/client-source.ts'
import { clockReports, type ServerClockEvent, type WhyMissing } from './clock-reports.ts'

/**
 * The server's clock by its `Date` headers; our own while they are missing or do not advance. Times in ms since 1970.
 */
export interface ServerClock {
  now(): number
  times(): Times
  /** Takes the server's time from a page. Returns both clocks when the response began. */
  learn(page: Page): Times
}

/** A `Date` that does not change for this long counts as missing. */
const STANDS_STILL_MS = 120_000

interface LastDate {
  readonly serverTime: number
  /** By the monotonic clock: when it was read, and when the `Date` changed last. */
  readonly readAt: number
  readonly changedAt: number
}

export function createServerClock(clock: Clock, observe: (event: ServerClockEvent) => void): ServerClock {
  const reports = clockReports(clock, observe)
  let last: LastDate | undefined
  let missing: WhyMissing | undefined
  const expected = ({ serverTime, readAt }: LastDate) => serverTime + clock.monotonic() - readAt
  const standsStill = () => last !== undefined && clock.monotonic() - last.changedAt > STANDS_STILL_MS
  const now = () => (last === undefined || missing !== undefined ? clock.now() : expected(last))

  const learn = (serverTime: number) => {
    const readAt = clock.monotonic()
    if (last === undefined || serverTime !== last.serverTime) {
      if (last !== undefined) reports.read(serverTime, expected(last))
      last = { serverTime, readAt, changedAt: readAt }
    }
  }
  return {
    now,
    times: () => ({ ours: clock.now(), server: now() }),
    learn: ({ serverTime, tookMs }) => {
      if (serverTime !== undefined) learn(serverTime)
      missing = serverTime === undefined ? 'no-date' : standsStill() ? 'stands-still' : undefined
      reports.missing(missing)
      const took = Math.ceil(tookMs)
      return { ours: clock.now() - took, server: now() - took }
    },
  }
}
