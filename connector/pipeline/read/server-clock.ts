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

/** A `Date` that does not change for this long counts as missing. */
const STANDS_STILL_MS = 120_000

interface LastDate {
  readonly serverTime: number
  /** By the monotonic clock: when it was read, and when the `Date` changed last. */
  readonly readAt: number
  readonly changedAt: number
  /** By our own clock, when it was read. */
  readonly ours: number
  /** Whether it is as old as the response took, at most. */
  readonly isPrompt: boolean
}

/** The `Date` of a slower response says little: perhaps this process stood still before it read it. */
const PROMPT_MS = 10_000

export function createServerClock(clock: Clock, observe: (event: ServerClockEvent) => void): ServerClock {
  const reports = clockReports(clock, observe)
  let last: LastDate | undefined
  let missing: WhyMissing | undefined
  const expected = ({ serverTime, readAt }: LastDate) => serverTime + clock.monotonic() - readAt
  const standsStill = () => last !== undefined && clock.monotonic() - last.changedAt > STANDS_STILL_MS
  const now = () => (last === undefined || missing !== undefined ? clock.now() : expected(last))

  const learn = (serverTime: number, tookMs: number) => {
    if (serverTime === last?.serverTime) return
    const [readAt, ours, isPrompt] = [clock.monotonic(), clock.now(), tookMs <= PROMPT_MS]
    if (last !== undefined && isPrompt && last.isPrompt) {
      // While a machine is suspended, its monotonic clock stands still, and its wall clock does not.
      const stoodStillMs = ours - last.ours - (readAt - last.readAt)
      const isOurs = Math.abs(serverTime - expected(last) - stoodStillMs) < JUMP_MS && stoodStillMs > STALL_MS
      if (isOurs) reports.stoodStill()
      else reports.read(serverTime, expected(last))
    }
    last = { serverTime, readAt, changedAt: readAt, ours, isPrompt }
  }
  return {
    now,
    times: () => ({ ours: clock.now(), server: now() }),
    learn: ({ serverTime, tookMs }) => {
      if (serverTime !== undefined) learn(serverTime, tookMs)
      missing = serverTime === undefined ? 'no-date' : standsStill() ? 'stands-still' : undefined
      reports.missing(missing)
      const took = Math.ceil(tookMs)
      return { ours: clock.now() - took, server: now() - took }
    },
  }
}

export type ServerClockEvent =
  /** The responses have no `Date` header, or always the same: our own clock is used. */
  | { readonly kind: 'server-clock-missing'; readonly why: WhyMissing }
  | { readonly kind: 'server-clock-jumped'; readonly byMs: number }

type WhyMissing = 'no-date' | 'stands-still'

/** A trouble is reported when this many responses show it, and then at most once an hour. */
const SHOWN_BY = 3
const REPORT_EVERY_MS = 3_600_000
/** Responses may be delayed or cached for a while. */
const JUMP_MS = 60_000
/** A shorter time is the inaccuracy of a `Date`. */
const STALL_MS = 5_000
/** A jump is over when this many responses in a row agree with the clock before it. */
const AGREEING = 10

/** Reports what is wrong with the server's clock. Times in ms since 1970. */
interface ClockReports {
  /** For each response; undefined: its `Date` is usable. */
  missing(why: WhyMissing | undefined): void
  /** For each new `Date`. `expected`: by the one before. */
  read(serverTime: number, expected: number): void
  /** This machine was suspended: earlier times say nothing. */
  stoodStill(): void
}

function clockReports(clock: Pick<Clock, 'monotonic'>, observe: (event: ServerClockEvent) => void): ClockReports {
  const reportedAt = new Map<string, number>()
  const report = (trouble: string, event: ServerClockEvent) => {
    const now = clock.monotonic()
    if (now - (reportedAt.get(trouble) ?? Number.NEGATIVE_INFINITY) < REPORT_EVERY_MS) return
    reportedAt.set(trouble, now)
    observe(event)
  }
  let absent: { readonly why: WhyMissing; readonly responses: number } | undefined
  let jump: { readonly from: number; readonly at: number; readonly off: number; readonly agreeing: number } | undefined
  return {
    stoodStill: () => {
      jump = undefined
    },
    missing: (why) => {
      absent = why && { why, responses: absent?.why === why ? absent.responses + 1 : 1 }
      if (absent?.responses === SHOWN_BY) report(absent.why, { kind: 'server-clock-missing', why: absent.why })
    },
    read: (serverTime, expected) => {
      const now = clock.monotonic()
      // Two machines whose clocks differ take turns: compare with the clock before the first jump.
      const { from, at, off, agreeing } = jump ?? { from: expected, at: now, off: 0, agreeing: 0 }
      const byMs = Math.round(serverTime - (from + now - at))
      const isOff = Math.abs(byMs) > JUMP_MS
      if (isOff && off + 1 === SHOWN_BY) report('jump', { kind: 'server-clock-jumped', byMs })
      const isOver = isOff ? off + 1 === SHOWN_BY : jump === undefined || agreeing + 1 === AGREEING
      jump = isOver ? undefined : { from, at, off: isOff ? off + 1 : off, agreeing: isOff ? 0 : agreeing + 1 }
    },
  }
}
