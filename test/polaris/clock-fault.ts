import { wallClockOf } from './wall-clock.ts'

/** What is wrong with a clock of the server. Parts add up. */
export interface ClockFault {
  /** Ahead of the simulator's clock; negative: behind. */
  readonly skewMs?: number
  /** The clock stands still at this instant, in ms since 1970. */
  readonly stoppedAt?: number
  /** The clock shows local time of this time zone as if it were UTC. */
  readonly zone?: string
  /** The fault begins at this instant of the simulator's clock. Default: at once. */
  readonly from?: number
  /** The fault ends at this instant of the simulator's clock. Default: never. */
  readonly until?: number
  /** The fault ends after it was seen this many times: responses for `Date`, changes for modification times. */
  readonly times?: number
}

/** Returns the reading of a clock with this fault for each instant of the simulator's clock. */
export function faultyClock(fault: ClockFault): (now: number) => number {
  const { skewMs = 0, stoppedAt, from = 0, until = Number.POSITIVE_INFINITY } = fault
  const offsetAt = fault.zone === undefined ? () => 0 : wallClockOf(fault.zone).offsetAt
  let left = fault.times ?? Number.POSITIVE_INFINITY
  return (now) => {
    if (now < from || now >= until || left <= 0) return now
    left -= 1
    const instant = stoppedAt ?? now
    return instant + skewMs + offsetAt(instant)
  }
}
