import type { CommittedState } from '../../checkpoint/checkpoint-document.ts'
import type { ClientTable } from '../../index/client-table.ts'
import { encodeEntries } from '../../index/index-entry.ts'
import { deltaOf } from '../../index/index-state.ts'
import type { PageReading } from '../read/reader-parts.ts'
import type { Building, PageGroup, PageGroupParts } from './building.ts'
import { addClients } from './group-clients.ts'

/** Builds page groups, one after another. Each continues from the state after the previous one. */
export interface PageGroupBuilder {
  /** Adds a page to the group that is being built. Throws `event.too-many-dead-letters`. */
  add(reading: PageReading): void
  size(): number
  /** Returns how many index entries the group adds so far. */
  entries(): number
  /** Returns the group and begins the next one. */
  finish(): PageGroup
  /** Must be called once a group is delivered: only then do its dead letters count for later openings. */
  onDelivered(group: PageGroup): void
}

interface BuildFrom {
  readonly state: CommittedState
  readonly table: ClientTable
}

export function pageGroupBuilder(parts: PageGroupParts, from: BuildFrom): PageGroupBuilder {
  const building = newBuilding(parts, from)
  return {
    add: (reading) => addPage(building, reading),
    size: () => building.added.size,
    entries: () => building.entries.size,
    finish: () => finishGroup(building),
    onDelivered: ({ records }) => {
      building.undelivered = new Map()
      for (const { target } of records) parts.deadLetters.add(target === 'events' ? 'event' : 'dead-letter')
    },
  }
}

function newBuilding(parts: PageGroupParts, { state, table }: BuildFrom): Building {
  const { scans, nextEvent, mapping, index } = state
  return {
    parts,
    table,
    generation: index.generation,
    deadLetterGuard: parts.deadLetters.copy(),
    entries: new Map(),
    undelivered: new Map(),
    scans,
    nextEvent,
    mapping,
    added: emptyAddition(),
  }
}

function addPage(building: Building, reading: PageReading) {
  addClients(building, reading)
  building.scans = reading.states
  building.mapping = reading.mapping
  building.added.pages += 1
  building.added.hasLiveEnd ||= reading.isLast && reading.scan.lane === 'live'
}

function finishGroup(building: Building): PageGroup {
  const { scans, nextEvent, mapping, entries, added } = building
  building.added = emptyAddition()
  // The group before this one is delivered, so its entries are in the table.
  building.undelivered = entries
  building.entries = new Map()
  return { ...added, change: { scans, nextEvent, mapping, entries: deltaOf(encodeEntries(entries)) } }
}

function emptyAddition(): Building['added'] {
  return {
    pages: 0,
    deadLetters: 0,
    size: 0,
    scans: new Map(),
    records: [],
    changedAt: [],
    newestChange: undefined,
    hasLiveEnd: false,
  }
}
