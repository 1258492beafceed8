import type { Clock } from '../../runtime/clock.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Page } from '../../source/client-source.ts'

/**
 * Shows the server's time: its last `Date`, advanced by our monotonic clock. Without a `Date`, or if that stands still,
 * it shows our own time.
 */
export interface ServerClock {
  times(): Times
  /** Takes the server's time from a page. Returns both clocks when the response began. */
  learnFrom(page: Page): Times
}

/** A `Date` that has not changed for this long, such as that of a cache, counts as missing. */
const STANDS_STILL_MS = 120_000

export function createServerClock(clock: Clock): ServerClock {
  let last: { readonly serverTime: number; readonly readAtMonotonic: number } | undefined
  let isDateMissing = true
  const times = (): Times => {
    const ours = clock.now()
    return {
      ours,
      server: last === undefined || isDateMissing ? ours : last.serverTime + clock.monotonic() - last.readAtMonotonic,
    }
  }
  return {
    times,
    learnFrom: ({ serverTime, tookMs }) => {
      const readAtMonotonic = clock.monotonic()
      if (serverTime !== undefined && serverTime !== last?.serverTime) last = { serverTime, readAtMonotonic }
      isDateMissing =
        serverTime === undefined || last === undefined || readAtMonotonic - last.readAtMonotonic > STANDS_STILL_MS
      const { ours, server } = times()
      const roundedTookMs = Math.ceil(tookMs)
      return { ours: ours - roundedTookMs, server: server - roundedTookMs }
    },
  }
}
