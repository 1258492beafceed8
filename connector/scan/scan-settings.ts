import type { OutputFormat } from '../source/client-source.ts'

/** How a stream is read. All times in milliseconds. */
export interface ScanSettings {
  /** From the start of one live scan to the start of the next. */
  readonly intervalMs: number
  /** The longest interval, of a stream without changes; at least `intervalMs`. */
  readonly maxIntervalMs: number
  readonly overlapMs: number
  /** Shortest reach first. */
  readonly lookBacks: readonly LookBackSetting[]
  readonly fullScan: { readonly everyMs: number } | undefined
  /** Maximum share of the time for background scans, above 0 and at most 1. */
  readonly backgroundShare: number
  /** Whether live scans run beside the backfill or wait for its end. */
  readonly backfill: 'beside' | 'before'
  readonly limit: number
  readonly output: OutputFormat
  /** The server's time zone (IANA name). */
  readonly timeZone: string
}

export interface LookBackSetting {
  readonly reachMs: number
  readonly everyMs: number
}

/** A stream is quiet once neither a live scan nor a look-back has found a change for so long. */
const QUIET_AFTER_MS = 600_000
const LONGER_EVERY_MS = 60_000

/**
 * From the start of one live scan to the start of the next: of a quiet stream, the interval doubles each minute up to
 * the longest. Pure.
 */
export function liveIntervalMs(
  { intervalMs, maxIntervalMs }: Pick<ScanSettings, 'intervalMs' | 'maxIntervalMs'>,
  unchangedMs: number,
): number {
  if (unchangedMs < QUIET_AFTER_MS) return intervalMs
  const doublings = 1 + Math.floor((unchangedMs - QUIET_AFTER_MS) / LONGER_EVERY_MS)
  return Math.min(maxIntervalMs, intervalMs * 2 ** doublings)
}

/** Whether the first backfill runs alone: live scans and all others wait for its end. */
export function isBackfillFirst(
  { backfill }: { readonly backfill: { readonly state: 'first' | 'again' | 'done' } },
  settings: Pick<ScanSettings, 'backfill'>,
): boolean {
  return settings.backfill === 'before' && backfill.state === 'first'
}

/** Clock readings in ms since 1970: our clock, and the server's as far as it is known. */
export interface Times {
  readonly ours: number
  readonly server: number
}

export const earlier = ({ ours, server }: Times): number => Math.min(ours, server)

export function longestReachMs({ lookBacks, overlapMs }: ScanSettings): number {
  return Math.max(overlapMs, ...lookBacks.map(({ reachMs }) => reachMs))
}

/** Upper bound of the difference between the clocks of two replicas. */
const SKEW_MS = 60_000

/**
 * Whether a stored time has come, both by our clock in ms since 1970. A time that is further away than its period was
 * stored by a clock that was wrong. Pure.
 */
export function isDue(dueAt: number, periodMs: number, ours: number): boolean {
  return ours >= dueAt || dueAt - ours > periodMs + SKEW_MS
}
