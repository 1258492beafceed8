import type { Clock } from '../runtime/clock.ts'
import type { Page } from '../source/client-source.ts'

/** How far our own clock may be off. */
const OWN_CLOCK_ERROR_MS = 3_600_000

/** The server's clock as its `Date` headers tell it; ours where they are missing. All in ms since 1970. */
export interface ServerClock {
  now(): number
  /** What it shows at most: until it has told, ours may be slow; since it has, ours may have been put right, or have stood still. */
  latest(): number
  learn(page: Page): void
}

/** `onMissing` is called once, at the first page without a `Date` header. */
export function createServerClock(clock: Clock, onMissing: () => void): ServerClock {
  let told: { readonly serverTime: number; readonly ours: number; readonly at: number } | undefined
  let missing = false
  const passedMs = ({ at }: { at: number }) => clock.monotonic() - at
  return {
    now: () => (told === undefined ? clock.now() : told.serverTime + passedMs(told)),
    latest: () =>
      told === undefined
        ? clock.now() + OWN_CLOCK_ERROR_MS
        : told.serverTime + Math.max(passedMs(told), clock.now() - told.ours),
    learn: ({ serverTime }) => {
      if (serverTime !== undefined) {
        told = { serverTime, ours: clock.now(), at: clock.monotonic() }
        return
      }
      if (!missing) onMissing()
      missing = true
    },
  }
}
