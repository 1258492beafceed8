import type { SourceTime } from '../source/client-source.ts'

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
export function timesAfter(
  times: ScanTimes,
  page: readonly { readonly modified?: Modified | undefined }[],
  latest: number,
): ScanTimes {
  if (times === null) return null
  let { distinct, last } = times
  for (const { modified } of page) {
    if (modified?.hasTimeOfDay !== true || modified.instant > latest) continue
    const time = modified.wallClock
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
