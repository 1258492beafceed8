import type { Clock } from '../../runtime/clock.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Page } from '../../source/client-source.ts'

/**
 * The server's clock by its `Date` headers; our own while they are missing or do not advance. Times in ms since 1970.
 */
export interface ServerClock {
  now(): number
  times(): Times
  /** Takes the server's time from a page. Returns both clocks when the response began. */
  learn(page: Page): Times
}

export type ServerClockEvent =
  /** The responses have no `Date` header, or always the same: our own clock is used. */
  | { readonly kind: 'server-clock-missing'; readonly why: 'no-date' | 'stands-still' }
  | { readonly kind: 'server-clock-jumped'; readonly byMs: number }

/** A `Date` that does not change for this long counts as missing. */
const STANDS_STILL_MS = 120_000
/** Responses may be delayed or cached for a while. */
const JUMP_MS = 60_000

interface LastDate {
  readonly serverTime: number
  /** By the monotonic clock: when it was read, and when the `Date` changed last. */
  readonly readAt: number
  readonly changedAt: number
}

/** `observe` receives each trouble once, until it is over. */
export function createServerClock(clock: Clock, observe: (event: ServerClockEvent) => void): ServerClock {
  let last: LastDate | undefined
  let missing: 'no-date' | 'stands-still' | undefined
  const expected = ({ serverTime, readAt }: LastDate) => serverTime + clock.monotonic() - readAt
  const standsStill = () => last !== undefined && clock.monotonic() - last.changedAt > STANDS_STILL_MS
  const now = () => (last === undefined || missing !== undefined ? clock.now() : expected(last))

  const learn = (serverTime: number) => {
    const readAt = clock.monotonic()
    if (last === undefined || serverTime !== last.serverTime) {
      const byMs = last === undefined ? 0 : Math.round(serverTime - expected(last))
      if (Math.abs(byMs) > JUMP_MS) observe({ kind: 'server-clock-jumped', byMs })
      last = { serverTime, readAt, changedAt: readAt }
    }
  }
  return {
    now,
    times: () => ({ ours: clock.now(), server: now() }),
    learn: ({ serverTime, tookMs }) => {
      if (serverTime !== undefined) learn(serverTime)
      const why = serverTime === undefined ? 'no-date' : standsStill() ? 'stands-still' : undefined
      if (why !== undefined && missing === undefined) observe({ kind: 'server-clock-missing', why })
      missing = why
      const took = Math.ceil(tookMs)
      return { ours: clock.now() - took, server: now() - took }
    },
  }
}
