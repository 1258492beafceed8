import type { StreamState } from '../../checkpoint/stream-state.ts'
import { repeatWatch } from '../../event/repeat-watch.ts'
import { clientIndex } from '../../index/client-index.ts'
import type { ClientTable } from '../../index/client-table.ts'
import {
  type ClientKey,
  clientKey,
  ENTRY_WORDS,
  type IndexEntry,
  isErased,
  writeEntry,
} from '../../index/index-entry.ts'
import { deltaText } from '../../index/index-state.ts'
import { recheckAfter } from '../../scan/end-scan.ts'
import { FULL, LIVE } from '../../scan/scan-state.ts'
import { addErasure } from '../features/erase/group-erasure.ts'
import { addRemovals } from '../features/removal/group-removals.ts'
import { markMissing } from '../features/removal/mark-missing.ts'
import {
  beginRepublishing,
  endRepublishing,
  hasEnded,
  isCarriedOut,
  republishedBy,
  republishingOf,
} from '../features/republish/republishing.ts'
import type { PageReading, Processed, Reading, RemovalReading } from '../read/page-reading.ts'
import { type Building, type Gathered, knownEntry, type PageGroup, type PageGroupParts } from './building.ts'
import { addClients } from './group-clients.ts'
import { scanMemory } from './scan-memory.ts'

/** Builds page groups, one after another: each continues from the state after the previous one. */
export interface PageGroupBuilder extends Processed {
  /**
   * Adds a reading to the group being built. `slice`: call `addRest` for more of it. `part`: the group is full; the next
   * one begins with `addRest`. `alone`: nothing may join it. Throws `event.too-many-dead-letters`.
   */
  add(reading: Reading): Added
  /** Adds the rest of a page. Call it after each `slice`, and after each `part` once the next group has begun. */
  addRest(): Added
  size(): number
  /** Whether the client has an entry, also one that is not delivered yet. */
  knows(client: string): boolean
  /** Whether a request is carried out, by a group that may not be delivered yet. */
  isCarriedOut(id: string): boolean
  /** Returns the group and begins the next one. */
  finish(): PageGroup
  /** Call it once a group is delivered: only then do its dead letters count for later openings. */
  delivered(group: PageGroup): void
}

export type Added = 'whole' | 'slice' | 'part' | 'alone'

export function pageGroupBuilder(
  parts: PageGroupParts,
  from: { state: StreamState; table: Pick<ClientTable, 'get' | 'partitions'> },
): PageGroupBuilder {
  const { scans, recheck, events, mapping, republished, carriedOut, index } = from.state
  const building: Building = {
    parts,
    index: clientIndex(from.table, index, parts.indexRules),
    table: from.table,
    deadLetters: parts.deadLetters.copy(),
    repeats: repeatWatch(),
    memory: scanMemory(scans, parts.scanSettings),
    ...{
      entries: new Map(),
      undelivered: new Map(),
      erasedAt: new Map(),
      scans,
      recheck,
      events,
      mapping,
      carriedOut,
    },
    ...{ group: emptyGroup(), rest: undefined, marking: undefined, republishing: republishingOf(republished) },
  }
  return {
    add: (reading) => {
      if (reading.kind === 'page') beginPage(building, reading)
      return addReading(building, { reading, at: 0 })
    },
    addRest: () => (building.rest === undefined ? 'whole' : addReading(building, building.rest)),
    size: () => building.group.size,
    events: () => building.events,
    recheck: () => building.recheck,
    knows: (client) => knownEntry(building, clientKey(client)) !== undefined,
    isCarriedOut: (id) => isCarriedOut(building, id),
    hasEnded: (id) => hasEnded(building)(id),
    order: building.memory.order,
    isCycling: building.memory.isCycling,
    knowsPagesOf: (scan) => parts.removal?.memory.knows(scan) ?? true,
    finish: () => finishGroup(building),
    delivered: ({ records, fullScan }) => {
      building.undelivered = new Map()
      if (fullScan !== undefined) parts.removal?.memory.end(fullScan.scan)
      for (const { to } of records) parts.deadLetters.add(to === 'events' ? 'event' : 'dead-letter')
    },
  }
}

function addReading(building: Building, { reading, at }: NonNullable<Building['rest']>): Added {
  if (reading.kind === 'page') return addPage(building, reading, at)
  if (reading.kind === 'removal') return addRemovalsFrom(building, reading, at)
  const { group, entries } = building
  const mustWait = group.pages > 0 || entries.size > 0
  building.rest = mustWait ? { reading, at } : undefined
  if (mustWait) return 'part'
  addErasure(building, reading)
  return 'alone'
}

function addRemovalsFrom(building: Building, reading: RemovalReading, at: number): Added {
  const added = addRemovals(building, reading, at)
  building.rest = added.kind === 'whole' ? undefined : { reading, at: added.next }
  if (added.kind === 'whole') building.group.endsRemovals = true
  return added.kind
}

function addPage(building: Building, reading: PageReading, at: number): Added {
  const added = addClients(building, reading, at)
  building.rest = { reading, at: added.kind === 'whole' ? reading.page.clients.length : added.next }
  if (added.kind !== 'whole') return added.kind
  const marked = addMarks(building, reading)
  if (marked !== 'whole') return marked
  building.rest = undefined
  building.memory.endPage(reading.scan)
  endRepublishing(building, reading)
  if (reading.isLast) {
    building.recheck = recheckAfter(building.recheck, reading.scan)
    building.memory.endScan(reading.scan)
  }
  building.mapping = reading.mapping
  building.group.pages += 1
  return 'whole'
}

/** After the last page of a full scan. */
function addMarks(building: Building, { scan, page, isLast }: PageReading): Added {
  const { removal } = building.parts
  if (removal === undefined || scan.tag !== FULL) return 'whole'
  if (building.marking === undefined) removal.memory.endPage(scan)
  if (!isLast) return 'whole'
  building.marking ??= markMissing(building, removal, { scan, page })
  const step = building.marking.next()
  if (step.done !== true) return step.value
  building.marking = undefined
  building.group.fullScan = step.value
  return 'whole'
}

function beginPage(building: Building, { scan, states, isFirst }: PageReading): void {
  const { parts, memory, repeats } = building
  if (isFirst && scan.tag === FULL) parts.removal?.memory.begin(scan)
  beginRepublishing(building, scan)
  if (isFirst) memory.beginScan(scan, states)
  if (isFirst && scan.tag === LIVE) repeats.nextScan()
}

/** Also those that the control object shows as done: it may be rolled back. */
const KEPT_REQUESTS = 50

function finishGroup(building: Building): PageGroup {
  const { scans, recheck, events, mapping, entries, group, parts } = building
  building.carriedOut = building.carriedOut.map((one) => (parts.requests.isRecorded(one.id) ? { id: one.id } : one))
  const carriedOut = building.carriedOut.slice(-KEPT_REQUESTS)
  building.group = emptyGroup()
  building.undelivered = new Map([...building.undelivered, ...entries])
  building.entries = new Map()
  const republished = republishedBy(building.republishing)
  const reached = { scans, recheck, events, mapping, republished, carriedOut }
  const marks = [...entries].flatMap(([key, entry]) => (isErased(entry) ? [{ key, entry }] : []))
  return { ...group, marks, change: { ...reached, entries: entriesText(entries) } }
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

const noRemovals = { removed: 0, endsRemovals: false, fullScan: undefined }

function emptyGroup(): Gathered {
  return {
    pages: 0,
    records: [],
    deadLetters: 0,
    size: 0,
    scans: new Map(),
    erased: [],
    republished: [],
    changedSince: [],
    ...noRemovals,
  }
}
