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
  /** Returns the total size in bytes of the record values of the group so far. */
  valueBytes(): number
  /** Returns how many index entries the group adds so far. */
  entryCount(): number
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
    valueBytes: () => builderState.groupSoFar.valueBytes,
    entryCount: () => builderState.newEntries.size,
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
    guardOfThisRun: parts.deadLetterGuard.copy(),
    newEntries: new Map(),
    undeliveredEntries: new Map(),
    scans,
    nextEvent,
    mapping,
    groupSoFar: newGroup(),
  }
}

function addPage(builderState: BuilderState, reading: PageReading) {
  addClients(builderState, reading)
  builderState.scans = reading.scans
  builderState.mapping = reading.mapping
  builderState.groupSoFar.pages += 1
  builderState.groupSoFar.hasLiveEnd ||= reading.isLast && reading.scan.lane === 'live'
}

function finishGroup(builderState: BuilderState): PageGroup {
  const { scans, nextEvent, mapping, newEntries, groupSoFar } = builderState
  builderState.groupSoFar = newGroup()
  // The group before this one is delivered, so its entries are in the table.
  builderState.undeliveredEntries = newEntries
  builderState.newEntries = new Map()
  return { ...groupSoFar, change: { scans, nextEvent, mapping, entries: deltaOf(encodeEntries(newEntries)) } }
}

function newGroup(): BuilderState['groupSoFar'] {
  return {
    pages: 0,
    deadLetters: 0,
    valueBytes: 0,
    countsByLane: new Map(),
    records: [],
    changeTimes: [],
    newestChange: undefined,
    hasLiveEnd: false,
  }
}
