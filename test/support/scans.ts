import { type HistoryState, type Scan, type ScanName, unreadScan } from '../../connector/scan/scan-state.ts'
import type { CheckPoint, SourceTime } from '../../connector/source/client-source.ts'

const from = '2026-01-01T00:00:00' as SourceTime

/** The history from the configured beginning. */
export const historyOf = (state: HistoryState['state'], more: Partial<HistoryState> = {}): HistoryState => ({
  state,
  from: null,
  republication: null,
  startedAt: null,
  ...more,
})

/** A scan that has read two of its pages. */
export function someScan(more: Partial<Scan> & Pick<ScanName, 'lane'>): Scan {
  return {
    ...unreadScan,
    number: 1,
    reachMs: null,
    from,
    lastChanged: more.from ?? from,
    checkPoint: 'a secret token' as CheckPoint,
    limit: 100,
    output: 'json',
    startedAt: 0,
    isEndAskedAgain: false,
    pages: 2,
    clients: 200,
    ...more,
  }
}
