import { clientKey, type EntryMark } from '../../../../../connector/index/index-entry.ts'
import type { Feature } from '../../../../../connector/pipeline/features/part.ts'
import { removal as removalFeature } from '../../../../../connector/pipeline/features/removal/removal.ts'
import type { RemovedSettings } from '../../../../../connector/pipeline/features/removal/removed-clients.ts'
import type { PageGroup } from '../../../../../connector/pipeline/group/building.ts'
import type { Added, PageGroupBuilder } from '../../../../../connector/pipeline/group/page-group.ts'
import type { PageReading } from '../../../../../connector/pipeline/read/page-reading.ts'
import { FULL, type Scan, withScan } from '../../../../../connector/scan/scan-state.ts'
import { noon, scanOf, statesOf } from '../../../scan/scans.ts'
import { type building, reportsOf } from '../../builders.ts'
import { reading, token } from '../../readings.ts'

/** Full scans of a stream whose clients may be gone. */

export const removal = (more: Partial<RemovedSettings> = {}): Feature =>
  removalFeature({ publish: 'event', maxShare: 0.01, ...more })

/** A page of the full scan that began `number` hours after noon. */
export function fullPage(ids: readonly string[], number: number, more: Partial<PageReading> & { since?: number } = {}) {
  const startedAt = noon + number * 3_600_000
  const { since = 0, ...rest } = more
  const scan: Scan = scanOf({ kind: 'full', tag: FULL, since, startedAt, startedAtOurs: startedAt, pages: 1 })
  return reading(
    ids.map((No) => ({ No })),
    { scan, states: statesOf(), ...rest },
  )
}

/** The first of two pages of a full scan; the state then has the scan. */
export function firstPage(ids: readonly string[], number: number, since = 0): PageReading {
  const page = fullPage(ids, number, { since, isLast: false })
  return { ...page, states: withScan(statesOf(), { ...page.scan, checkPoint: token('t') }) }
}

type Built = ReturnType<typeof building>

/** Adds a reading, and delivers all groups that it takes but the last one. */
export function added({ builder, delivered }: Built, page: Parameters<PageGroupBuilder['add']>[0]) {
  let next: Added = builder.add(page)
  let parts = 1
  for (; next === 'slice' || next === 'part'; next = builder.addRest()) {
    if (next !== 'part') continue
    delivered()
    parts += 1
  }
  return parts
}

/** Runs a full scan of one page, and returns what it found. */
export function fullScan(built: Built, ids: readonly string[], number: number, since?: number) {
  added(built, fullPage(ids, number, since === undefined ? {} : { since }))
  return foundBy(built.delivered())
}

/** What a full scan that ended with the group has found. */
export const foundBy = (group: Pick<PageGroup, 'parts'>) => reportsOf(group, 'full-scan-compared')[0]

export const marksOf = ({ table }: Built, ids: readonly string[]): (EntryMark | undefined)[] =>
  ids.map((id) => table.get(clientKey(id))?.mark)

export const numbered = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`)
