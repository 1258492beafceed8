import type { CommittedState } from '../../checkpoint/checkpoint-document.ts'
import type { ClientTable } from '../../index/client-table.ts'
import { encodeEntries } from '../../index/index-entry.ts'
import { deltaOf } from '../../index/index-state.ts'
import type { PageReading } from '../read/reader-parts.ts'
import type { BuilderState, PageGroup, PageGroupParts } from './builder-state.ts'
import { addClients } from './group-clients.ts'

/** Builds page groups, one after another. Each continues from the state after the previous one. */
export interface PageGroupBuilder {
  /** Adds a page to the group that is being built. Throws `event.too-many-dead-letters`. */
  add(reading: PageReading): void
  /** Returns the total size of its record values so far, in bytes. */
  size(): number
  /** Returns how many index entries the group adds so far. */
  entries(): number
  /** Returns the group and begins the next one. */
  finish(): PageGroup
  /**
   * Must be called once a group is delivered. Only then do its events and dead letters count for later runs. Its index
   * entries are in the client index by then, so the builder drops them.
   */
  onDelivered(group: PageGroup): void
}

/** The first group continues from this state; the table is its client index. */
interface BuilderStart {
  readonly state: CommittedState
  readonly table: ClientTable
}

export function pageGroupBuilder(parts: PageGroupParts, start: BuilderStart): PageGroupBuilder {
  const builderState = newBuilderState(parts, start)
  return {
    add: (reading) => addPage(builderState, reading),
    size: () => builderState.totals.size,
    entries: () => builderState.newEntries.size,
    finish: () => finishGroup(builderState),
    onDelivered: ({ records }) => {
      builderState.undeliveredEntries = new Map()
      for (const { target } of records) parts.deadLetterGuard.add(target === 'events' ? 'event' : 'dead-letter')
    },
  }
}

function newBuilderState(parts: PageGroupParts, { state, table }: BuilderStart): BuilderState {
  const { scans, nextEvent, mapping, index } = state
  return {
    parts,
    table,
    generation: index.generation,
    guardSinceOpening: parts.deadLetterGuard.copy(),
    newEntries: new Map(),
    undeliveredEntries: new Map(),
    scans,
    nextEvent,
    mapping,
    totals: newTotals(),
  }
}

function addPage(builderState: BuilderState, reading: PageReading) {
  addClients(builderState, reading)
  builderState.scans = reading.scans
  builderState.mapping = reading.mapping
  builderState.totals.pages += 1
  builderState.totals.hasLiveEnd ||= reading.isLast && reading.scan.lane === 'live'
}

function finishGroup(builderState: BuilderState): PageGroup {
  const { scans, nextEvent, mapping, newEntries, totals } = builderState
  builderState.totals = newTotals()
  // The group before this one is delivered, so its entries are in the table.
  builderState.undeliveredEntries = newEntries
  builderState.newEntries = new Map()
  return { ...totals, change: { scans, nextEvent, mapping, entries: deltaOf(encodeEntries(newEntries)) } }
}

function newTotals(): BuilderState['totals'] {
  return {
    pages: 0,
    deadLetters: 0,
    size: 0,
    countsByLane: new Map(),
    records: [],
    changeTimes: [],
    newestChange: undefined,
    hasLiveEnd: false,
  }
}
