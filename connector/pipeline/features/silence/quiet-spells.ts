import { z } from 'zod'
import { DAY_MS, HOUR_MS } from '../../../runtime/units.ts'
import type { Times } from '../../../scan/scan-settings.ts'

/** How long no client of a stream changed, as observed so far. Times in ms since 1970. */
export const quietSpells = z.object({
  /** When the observation began, by our clock. */
  since: z.number(),
  /** The newest change, by the server's clock; null: none was seen. */
  newest: z.number().nullable(),
  /** When the newest change was read, by our clock. */
  seenAt: z.number(),
  /** The longest time between two changes. */
  longestMs: z.number(),
})

export type QuietSpells = z.infer<typeof quietSpells>

const OBSERVED_MS = 14 * DAY_MS
const LEAST_MS = 24 * HOUR_MS
const TIMES_THE_LONGEST = 3

export const beginning = ({ ours }: Times): QuietSpells => ({ since: ours, newest: null, seenAt: ours, longestMs: 0 })

/** After a change at `instant`, by the server's clock. A time ahead of that clock does not count. Pure. */
export function afterChange(spells: QuietSpells, instant: number, now: Times): QuietSpells {
  if (instant > now.server || (spells.newest !== null && instant <= spells.newest)) return spells
  const longestMs = Math.max(spells.longestMs, countedMs(spells, { ours: now.ours, server: instant }))
  return { ...spells, newest: instant, seenAt: now.ours, longestMs }
}

/** A silence may have been an outage: if it counted whole, the next one would be noticed far too late. */
function countedMs(spells: QuietSpells, now: Times): number {
  return isSilent(spells, now) ? alarmMs(spells) / 2 : quietMs(spells, now)
}

/** Of a clock that was ahead, nothing is left in the future. Pure. */
export function withoutFuture({ since, newest, seenAt, longestMs }: QuietSpells, now: Times): QuietSpells {
  return {
    since: Math.min(since, now.ours),
    newest: newest && Math.min(newest, now.server),
    seenAt: Math.min(seenAt, now.ours),
    longestMs,
  }
}

/** Both clocks must agree: one that jumps makes no quiet spell. */
export function quietMs({ newest, seenAt }: QuietSpells, now: Times): number {
  return Math.max(0, Math.min(now.ours - seenAt, newest === null ? Infinity : now.server - newest))
}

/** Whether the stream has been quiet for much longer than ever before. Needs two weeks of observation. Pure. */
export function isSilent(spells: QuietSpells, now: Times): boolean {
  if (now.ours - spells.since < OBSERVED_MS) return false
  return quietMs(spells, now) >= alarmMs(spells)
}

const alarmMs = ({ longestMs }: QuietSpells) => Math.max(LEAST_MS, TIMES_THE_LONGEST * longestMs)

/** What is reported of the changes of a stream. */
export type SilenceEvent =
  /** The newest change of all clients read so far, by the server's clock, in ms since 1970. */
  | { readonly kind: 'newest-change'; readonly at: number }
  /** No client has changed for much longer than ever before. `longestMs`: the longest time between two changes so far. */
  | { readonly kind: 'source-silent'; readonly quietMs: number; readonly longestMs: number }
  | { readonly kind: 'silence-ended' }
