import { removalRecords } from '../../../event/removal-records.ts'
import { UNKNOWN_CONTENT } from '../../../index/index-entry.ts'
import { FULL } from '../../../scan/scan-state.ts'
import { type Building, knownEntry, MAX_ENTRIES } from '../../group/building.ts'
import { type AddedClients, SLICE_CLIENTS } from '../../group/group-clients.ts'
import type { RemovalReading } from '../../read/page-reading.ts'

/** Adds the events of a slice of gone clients, from a place on; without those that were returned meanwhile. */
export function addRemovals(building: Building, { clients, at: timeMs }: RemovalReading, from: number): AddedClients {
  const { removal, settings } = building.parts
  if (removal === undefined || removal.settings.publish === 'nothing') return { kind: 'whole' }
  for (const [index, { clientId, key, number }] of clients.slice(from).entries()) {
    const next = from + index
    if (index === SLICE_CLIENTS) return { kind: 'slice', next }
    if (building.entries.size >= MAX_ENTRIES) return { kind: 'part', next }
    const known = knownEntry(building, key)
    if (known?.mark !== 'gone' || known.number !== number) continue
    const place = { source: settings.source, clientId, previous: number, sequence: building.events, timeMs }
    const records = removalRecords(place, removal.settings.publish)
    building.group.records.push(...records)
    building.group.removed += 1
    building.group.size += records.reduce((size, { value }) => size + (value?.length ?? 0), 0)
    building.events += records.length
    // Newer than what a background scan in progress returns, except a full scan: it began after the one that missed it.
    const last = { number: building.events - 1, tag: FULL, content: UNKNOWN_CONTENT }
    building.entries.set(key, { ...known, ...last, mark: 'removed' })
  }
  return { kind: 'whole' }
}
