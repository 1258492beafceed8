import type { SourceTime } from '../source/client-source.ts'
import { wallClock } from '../source/source-time.ts'

/** The modification times of a scan: how many distinct ones there were, up to `ENOUGH`, and the last. Null: they decreased. */
export type ScanTimes = { readonly distinct: number; readonly last: SourceTime | null } | null

export const noTimes: ScanTimes = { distinct: 0, last: null }

/** Fewer times may rise by chance. */
const ENOUGH = 100

/** A modification time of a client, as far as it is known. */
export interface Modified {
  /** Milliseconds since 1970. */
  readonly instant: number
  readonly wallClock: SourceTime
  readonly hasTimeOfDay: boolean
}

/** The times after those of a page, up to `latest`: what is later may have changed while it was read. Pure. */
export function timesAfter(times: ScanTimes, page: readonly Modified[], latest: number): ScanTimes {
  if (times === null) return null
  let { distinct, last } = times
  for (const { instant, wallClock: time, hasTimeOfDay } of page) {
    if (!hasTimeOfDay || instant > latest) continue
    if (last !== null && time < last) return null
    if (time !== last) distinct = Math.min(ENOUGH, distinct + 1)
    last = time
  }
  return { distinct, last }
}

/** A time from which the scan may resume: all that it has read is older, or as old. Null: its order is not known. Pure. */
export function resumeTime(times: ScanTimes): SourceTime | null {
  return times !== null && times.distinct >= ENOUGH ? times.last : null
}

/**
 * The part of the time from a scan's beginning to now (ms since 1970) that it has read, from 0 to 1; undefined if the
 * modification time is not mapped or the server returns clients in another order. Pure.
 */
export function shareDone(
  { from, times }: { readonly from: SourceTime; readonly times: ScanTimes },
  now: number,
  timeZone: string,
): number | undefined {
  if (times === null || times.last === null) return undefined
  const [begin, at, end] = [from, times.last, wallClock(now, timeZone)].map(asUtc) as [number, number, number]
  return end <= begin ? 1 : Math.min(1, Math.max(0, (at - begin) / (end - begin)))
}

const asUtc = (text: SourceTime) => Date.parse(`${text}Z`)
