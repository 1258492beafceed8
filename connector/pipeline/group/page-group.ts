import type { StreamState } from '../../checkpoint/stream-state.ts'
import { type FieldMapping, mapFields } from '../../event/field-mapping.ts'
import { repeatWatch } from '../../event/repeat-watch.ts'
import { clientIndex } from '../../index/client-index.ts'
import type { ClientTable } from '../../index/client-table.ts'
import { type ClientKey, ENTRY_WORDS, type IndexEntry, writeEntry } from '../../index/index-entry.ts'
import { deltaText } from '../../index/index-state.ts'
import { recheckAfter } from '../../scan/end-scan.ts'
import { LIVE } from '../../scan/scan-state.ts'
import type { PageReading, Processed, Reading } from '../read/page-reading.ts'
import type { Building, Gathered, PageGroup, PageGroupParts } from './building.ts'
import { addClients } from './group-clients.ts'
import { addErasure } from './group-erasure.ts'
import { scanMemory } from './scan-memory.ts'

/** Builds page groups, one after another: each continues from the state after the previous one. */
export interface PageGroupBuilder extends Processed {
  /**
   * Adds a reading to the group being built. `slice`: call `addRest` for more of it. `part`: the group is full; the next
   * one begins with `addRest`. `alone`: nothing may join it. Throws `source.mapping` or `event.too-many-dead-letters`.
   */
  add(reading: Reading): Added
  /** Adds the rest of a page. Call it after each `slice`, and after each `part` once the next group has begun. */
  addRest(): Added
  size(): number
  /** Returns the group and begins the next one. */
  finish(): PageGroup
  /** Call it once a group is delivered: only then do its dead letters count for later openings. */
  delivered(group: PageGroup): void
}

export type Added = 'whole' | 'slice' | 'part' | 'alone'

export function pageGroupBuilder(
  parts: PageGroupParts,
  from: { state: StreamState; table: Pick<ClientTable, 'get'> },
): PageGroupBuilder {
  const { scans, recheck, events, mapping, carriedOut, index } = from.state
  const building: Building = {
    parts,
    index: clientIndex(from.table, index, parts.indexRules),
    deadLetters: parts.deadLetters.copy(),
    repeats: repeatWatch(),
    memory: scanMemory(scans),
    ...{ entries: new Map(), undelivered: new Map(), scans, recheck, events, mapping, carriedOut },
    ...{ group: emptyGroup(), rest: undefined },
  }
  return {
    add: (reading) => addReading(building, { reading, at: 0 }),
    addRest: () => (building.rest === undefined ? 'whole' : addReading(building, building.rest)),
    size: () => building.group.size,
    events: () => building.events,
    recheck: () => building.recheck,
    lastModifiedAt: building.memory.lastModifiedAt,
    isCycling: building.memory.isCycling,
    finish: () => finishGroup(building),
    delivered: ({ records }) => {
      building.undelivered = new Map()
      for (const { to } of records) parts.deadLetters.add(to === 'events' ? 'event' : 'dead-letter')
    },
  }
}

function addReading(building: Building, { reading, at }: NonNullable<Building['rest']>): Added {
  if (reading.kind === 'page') return addPage(building, reading, at)
  const { group, entries } = building
  const mustWait = group.pages > 0 || entries.size > 0
  building.rest = mustWait ? { reading, at } : undefined
  if (mustWait) return 'part'
  addErasure(building, reading)
  return 'alone'
}

function addPage(building: Building, reading: PageReading, at: number): Added {
  if (at === 0) beginPage(building, reading)
  const added = addClients(building, reading, at)
  building.rest = added.kind === 'whole' ? undefined : { reading, at: added.next }
  if (added.kind !== 'whole') return added.kind
  building.memory.endPage(reading.scan)
  building.scans = reading.states
  if (reading.isLast) {
    building.recheck = recheckAfter(building.recheck, reading.scan)
    building.memory.endScan(reading.scan.tag)
  }
  building.group.pages += 1
  return 'whole'
}

function beginPage(building: Building, { page, scan, isFirst }: PageReading): void {
  const { parts, mapping, memory, repeats } = building
  if (isFirst) memory.beginScan(scan)
  if (isFirst && scan.tag === LIVE) repeats.nextScan()
  const found = mapFields(page.clients, parts.fields, mapping)
  if (found === undefined) return
  observeDetected(found, mapping, parts)
  building.mapping = found
}

function finishGroup(building: Building): PageGroup {
  const { scans, recheck, events, mapping, entries, group, parts } = building
  const isOpen = new Set(parts.requests.open().map(({ id }) => id))
  const carriedOut = building.carriedOut.filter(({ id }) => isOpen.has(id))
  building.carriedOut = carriedOut
  building.group = emptyGroup()
  building.undelivered = new Map([...building.undelivered, ...entries])
  building.entries = new Map()
  return { ...group, change: { scans, recheck, events, mapping, carriedOut, entries: entriesText(entries) } }
}

function entriesText(entries: ReadonlyMap<ClientKey, IndexEntry>): string {
  const words = new Uint32Array(entries.size * ENTRY_WORDS)
  let at = 0
  for (const [key, entry] of entries) {
    writeEntry(words, at, key, entry)
    at += ENTRY_WORDS
  }
  return deltaText(words)
}

function emptyGroup(): Gathered {
  return { pages: 0, records: [], deadLetters: 0, size: 0, scans: new Map(), erased: [], changedSince: [] }
}

function observeDetected(found: FieldMapping, before: FieldMapping | null, { fields, observe }: PageGroupParts): void {
  if (before !== null) return
  if (fields.clientId === null)
    observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: found.clientId })
  if (fields.modifiedAt === null && found.modifiedAt !== null) {
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: found.modifiedAt })
  }
}
