import { expect, it } from 'vitest'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import { LIVE, newScans, noTokens, type Scan, type ScanStates } from '../../../connector/scan/scan-state.ts'
import { nextChoice, type SchedulerParts } from '../../../connector/scan/scheduler.ts'
import type { CheckPoint } from '../../../connector/source/client-source.ts'
import { someScan } from '../../support/scans.ts'

const scanOf = (kind: Scan['kind'], tag: number, checkPoint: string | null): Scan =>
  someScan({ kind, tag, checkPoint: checkPoint as CheckPoint | null, tokens: noTokens, refusals: 1 })

const settings = {
  ...{ intervalMs: 5_000, overlapMs: 0, lookBacks: [], fullScan: undefined, backgroundShare: 0.5 },
  ...{ backfill: 'beside', timeZone: 'Europe/Paris' },
} as Partial<ScanSettings> as ScanSettings

/** Background scans have waited so long that one of them is due even before the live scan. */
const parts: SchedulerParts = {
  ...{ settings, recheck: null, requested: undefined, times: { ours: 1_000, server: 1_000 }, now: 1_000 },
  load: { liveDueAt: 0, liveMs: 900, background: undefined, waitingSince: new Map() },
}

it.each([
  ['continues', 'a token', { kind: 'read', tag: 1 }],
  ['does not begin again', null, { kind: 'read', tag: LIVE }],
])(
  'in the middle of a live scan, a background scan %s: the server may freeze both at their starts',
  (_, token, choice) => {
    const states: ScanStates = {
      ...newScans,
      interleaving: 'proven',
      live: { startedAt: 1, scan: scanOf('live', LIVE, 'another token') },
      background: [scanOf('backfill', 1, token)],
    }
    expect(nextChoice(states, parts)).toEqual(choice)
  },
)
