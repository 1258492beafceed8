import type { Clock } from '../runtime/clock.ts'
import type { Page } from '../source/client-source.ts'

/** The server's clock as its `Date` headers tell it; ours where they are missing. */
export interface ServerClock {
  /** ms since 1970 */
  now(): number
  learn(page: Page): void
}

/** `onMissing` is called once, at the first page without a `Date` header. */
export function createServerClock(clock: Clock, onMissing: () => void): ServerClock {
  let aheadMs = 0
  let missing = false
  return {
    now: () => clock.now() + aheadMs,
    learn: ({ serverTime }) => {
      if (serverTime !== undefined) {
        aheadMs = serverTime - clock.now()
        return
      }
      if (!missing) onMissing()
      missing = true
    },
  }
}
