import { expect, it } from 'vitest'
import { configured } from '../../../connector/scan/end-scan.ts'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'

const HOUR_MS = 3_600_000

it('is a period away when full scans are new, and else as stored', () => {
  const fullScan = { everyMs: HOUR_MS }
  const settings = { lookBacks: [], fullScan } as Partial<ScanSettings> as ScanSettings
  const times = { ours: 1_000, server: 1_000 }
  const dueAt = (fullDueAt: number | null) => configured({ ...newScans, fullDueAt }, settings, times).fullDueAt
  expect(dueAt(5_000)).toBe(5_000)
  expect(dueAt(null)).toBe(1_000 + HOUR_MS)
})
