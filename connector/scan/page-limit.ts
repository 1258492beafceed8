import { DAY_MS } from '../runtime/units.ts'
import { isDue } from './scan-settings.ts'

/** Pages of this `limit` took too long or were too large. Times in ms since 1970, by our clock. */
export interface FailedLimit {
  readonly limit: number
  /** Not tried again before this time. */
  readonly until: number
  /** Consecutive attempts that failed; the time between them doubles. */
  readonly attempts: number
}

/** Why a scan begins, or begins again: as configured; its pages failed; more clients share a second than a page holds. */
export type LimitChange =
  | { readonly kind: 'begin'; readonly configured: number }
  | { readonly kind: 'too-much' | 'stuck'; readonly limit: number }

/** Only a configured limit may be larger. */
const MAX_DOUBLED = 6_400

/**
 * The limit with which a scan begins, since within a scan it cannot change: halved after pages that failed, larger when
 * stuck, and never as large as a limit that failed lately. Pure.
 */
export function nextLimit(change: LimitChange, failed: FailedLimit | null, now: number): number {
  const bound = failedBound(failed, now)
  switch (change.kind) {
    case 'begin':
      return fitting(change.configured, bound)
    case 'too-much':
      return fitting(half(change.limit), bound)
    case 'stuck':
      return doubled(change.limit, bound)
  }
}

const half = (limit: number) => Math.max(1, Math.floor(limit / 2))
const fitting = (limit: number, bound: number) => (limit < bound ? limit : half(bound))

/** Below a limit that failed, half of the way to it, so that the largest one that does not fail is found in few attempts. */
function doubled(limit: number, bound: number): number {
  const twice = limit * 2 < bound ? limit * 2 : Math.floor((Math.min(limit, bound - 1) + bound) / 2)
  return Math.max(1, Math.min(Math.max(MAX_DOUBLED, limit), twice))
}

const FIRST_WAIT_MS = 15 * 60_000
const LONGEST_WAIT_MS = DAY_MS

/** The smallest limit that must not be used now: after a while, the one that failed is tried again, then larger ones. */
function failedBound(failed: FailedLimit | null, now: number): number {
  if (failed === null) return Number.POSITIVE_INFINITY
  const overdueMs = isDue(failed.until, LONGEST_WAIT_MS, now) ? Math.max(0, now - failed.until) : undefined
  const steps = overdueMs === undefined ? 0 : 1 + Math.floor(overdueMs / FIRST_WAIT_MS)
  return failed.limit * 2 ** steps
}

/** What is known after pages of `limit` failed. A scan that began before a smaller limit failed says nothing new. Pure. */
export function failedAfter(failed: FailedLimit | null, limit: number, now: number): FailedLimit {
  if (failed !== null && limit >= failedBound(failed, now)) return failed
  const attempts = failed?.limit === limit ? failed.attempts + 1 : 1
  return { limit, until: now + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1)), attempts }
}
