import { expect, it } from 'vitest'
import { noTimes } from '../../../connector/scan/scan-order.ts'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import { LIVE, newScans, noTokens, type Scan, type ScanStates } from '../../../connector/scan/scan-state.ts'
import { nextChoice, type SchedulerParts } from '../../../connector/scan/scheduler.ts'
import type { CheckPoint, SourceTime } from '../../../connector/source/client-source.ts'

const scanOf = (kind: Scan['kind'], tag: number, checkPoint: string | null): Scan => ({
  ...{ kind, tag, reachMs: null, request: null, from: '2026-01-01T00:00:00' as SourceTime, since: 0 },
  ...{ lastChanged: '2026-01-01T00:00:00' as SourceTime, checkPoint: checkPoint as CheckPoint | null },
  ...{
    limit: 100,
    output: 'json',
    startedAt: 1,
    startedAtOurs: 1,
    notBefore: 0,
    ordinal: 1,
    order: noTimes,
    hasResumed: false,
    isFollowUp: false,
    end: 'none',
  },
  ...{ tokens: noTokens, emptyPages: 0, refusals: 1, failures: 0, restarts: 0, pages: 3, clients: 300 },
  isMarking: false,
})

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
