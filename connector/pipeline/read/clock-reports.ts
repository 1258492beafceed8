import type { Clock } from '../../runtime/clock.ts'
import { HOUR_MS } from '../../runtime/units.ts'

export type ServerClockEvent =
  /** The responses have no `Date` header, or always the same: our own clock is used. */
  | { readonly kind: 'server-clock-missing'; readonly why: WhyMissing }
  | { readonly kind: 'server-clock-jumped'; readonly byMs: number }

export type WhyMissing = 'no-date' | 'stands-still'

/** A trouble is reported when this many responses show it, and then at most once an hour. */
const SHOWN_BY = 3
const REPORT_EVERY_MS = HOUR_MS
/** Responses may be delayed or cached for a while. */
const JUMP_MS = 60_000
/** A jump is over when this many responses in a row agree with the clock before it. */
const AGREEING = 10

/** Reports what is wrong with the server's clock. Times in ms since 1970. */
export interface ClockReports {
  /** For each response; undefined: its `Date` is usable. */
  missing(why: WhyMissing | undefined): void
  /** For each new `Date`. `expected`: by the one before. */
  read(serverTime: number, expected: number): void
}

export function clockReports(
  clock: Pick<Clock, 'monotonic'>,
  observe: (event: ServerClockEvent) => void,
): ClockReports {
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
