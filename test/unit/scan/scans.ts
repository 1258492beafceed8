import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import type { ScanTimes } from '../../../connector/scan/scan-state.ts'
import { newScans, type Scan, type ScanName, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { CheckPoint, SourceTime } from '../../../connector/source/client-source.ts'
import { historyOf, someScan } from '../../support/scans.ts'

/** Test scans and settings. */

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Noon in Paris, in June. */
export const noon = Date.parse('2026-06-15T10:00:00Z')
export const noonText = '2026-06-15T12:00:00' as SourceTime
/** The stream's configured beginning. */
export const beginAt = '2026-01-01T00:00:00' as SourceTime

export const settings: ScanSettings = {
  intervalMs: 5 * SECOND,
  overlapMs: 15 * SECOND,
  lookBacks: [
    { reachMs: 5 * MINUTE, everyMs: MINUTE },
    { reachMs: 26 * HOUR, everyMs: 6 * HOUR },
  ],
  fullScan: undefined,
  backfill: 'beside',
  limit: 100,
  output: 'json',
  timeZone: 'Europe/Paris',
}
export const shortLookBack: ScanName = { lane: 'look-back', reachMs: 5 * MINUTE }
export const longLookBack: ScanName = { lane: 'look-back', reachMs: 26 * HOUR }

export const timeText = (text: string) => text as SourceTime
export const token = (text: string) => text as CheckPoint
/** Both clocks agree. */
export const at = (instant: number) => ({ ours: instant, server: instant })

/** The times of a scan that has shown its order up to this time. */
export const orderedUpTo = (text: string): ScanTimes => ({ distinct: 100, last: timeText(text) })

/** A scan that began at noon and has read a page. */
export function scanOf(more: Partial<Scan> & Pick<ScanName, 'lane'>): Scan {
  return someScan({
    from: noonText,
    checkPoint: token('t2'),
    startedAt: noon,
    ...more,
  })
}

/** A stream that was created a day before noon; only live scans are due. */
export function statesOf(more: Partial<ScanStates> = {}): ScanStates {
  return {
    ...newScans,
    createdAt: noon - DAY,
    lastScanNumber: 1,
    live: { startedAt: noon - 5 * SECOND, scan: null },
    lookBacks: settings.lookBacks.map(({ reachMs }) => ({ reachMs, startedAt: noon })),
    history: historyOf('done', { startedAt: noon - DAY }),
    ...more,
  }
}
