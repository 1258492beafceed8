import type { ScanOrder } from '../../../connector/scan/scan-order.ts'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import { newScans, noTokens, type Scan, type ScanStates } from '../../../connector/scan/scan-state.ts'
import type { CheckPoint, SourceTime } from '../../../connector/source/client-source.ts'
import { backfillOf, someScan } from '../../support/scans.ts'

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
  maxIntervalMs: 30 * SECOND,
  overlapMs: 15 * SECOND,
  lookBacks: [
    { reachMs: 5 * MINUTE, everyMs: MINUTE },
    { reachMs: 26 * HOUR, everyMs: 6 * HOUR },
  ],
  fullScan: undefined,
  backgroundShare: 0.5,
  backfill: 'beside',
  limit: 100,
  output: 'json',
  timeZone: 'Europe/Paris',
}

export const timeText = (text: string) => text as SourceTime
export const token = (text: string) => text as CheckPoint
/** Both clocks agree. */
export const at = (instant: number) => ({ ours: instant, server: instant })

/** The order of a scan that was proven up to this time. */
export const provenUpTo = (text: string): ScanOrder => {
  const time = timeText(text)
  return { kind: 'rising', values: 100, highest: time, reached: time }
}

/** A scan that began at noon and has read a page. */
export function scanOf(more: Partial<Scan> & Pick<Scan, 'kind' | 'tag'>): Scan {
  return someScan({
    from: noonText,
    checkPoint: token('t2'),
    startedAt: noon,
    startedAtOurs: noon,
    tokens: { token: token('t1'), power: 2, steps: 1 },
    ...more,
  })
}

/** A scan that has not read anything yet. */
export const unread: Partial<Scan> = {
  checkPoint: null,
  tokens: noTokens,
  startedAt: null,
  startedAtOurs: null,
  pages: 0,
  clients: 0,
}

/** A stream that was created a day before noon; only live scans are due. */
export function statesOf(more: Partial<ScanStates> = {}): ScanStates {
  return {
    ...newScans,
    createdAt: noon - DAY,
    live: { startedAt: noon - 5 * SECOND, scan: null },
    lookBacks: settings.lookBacks.map(({ reachMs, everyMs }) => ({ reachMs, startedAt: noon, dueAt: noon + everyMs })),
    backfill: backfillOf('done'),
    interleaving: 'proven',
    ...more,
  }
}

/** The look-backs, of which those with these reaches are due. */
export function dueLookBacks(...reaches: readonly number[]): ScanStates['lookBacks'] {
  return statesOf().lookBacks.map((state) => (reaches.includes(state.reachMs) ? { ...state, dueAt: noon } : state))
}
