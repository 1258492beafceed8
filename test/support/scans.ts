import { type Backfill, type Scan, unreadScan } from '../../connector/scan/scan-state.ts'
import type { CheckPoint, SourceTime } from '../../connector/source/client-source.ts'

const from = '2026-01-01T00:00:00' as SourceTime

/** The history from the configured beginning. */
export const backfillOf = (state: Backfill['state'], more: Partial<Backfill> = {}): Backfill => ({
  state,
  from: null,
  republished: null,
  ...more,
})

/** A scan that has read two of its pages. */
export function someScan(more: Partial<Scan> & Pick<Scan, 'kind' | 'tag'>): Scan {
  return {
    ...unreadScan,
    ordinal: 1,
    reachMs: null,
    from,
    lastChanged: more.from ?? from,
    checkPoint: 'a secret token' as CheckPoint,
    limit: 100,
    output: 'json',
    number: 1,
    startedAt: 0,
    startedAtOurs: 0,
    pages: 2,
    clients: 200,
    ...more,
  }
}
