import type { StateChange } from '../../checkpoint/checkpoint-document.ts'
import type { OutgoingRecord } from '../../event/client-event.ts'
import type { DeadLetterGuard } from '../../event/dead-letter.ts'
import type { EventSettings } from '../../event/outgoing-record.ts'
import type { StreamMapping } from '../../event/page-mapping.ts'
import type { ClientTable } from '../../index/client-table.ts'
import type { ClientKey, IndexEntry } from '../../index/index-entry.ts'
import type { Lane, ScanStates } from '../../scan/scan-state.ts'
import type { LaneCounts, Observe } from '../pipeline-event.ts'

/** A page group is the pages that share one transaction: it has their records, and their change to the checkpoint. */
export interface PageGroup {
  readonly pages: number
  readonly records: readonly OutgoingRecord[]
  readonly deadLetters: number
  /** Counts, for each lane, what became of its clients. */
  readonly countsByLane: ReadonlyMap<Lane, LaneCounts>
  /** The changes that live scans found were made at these times, by our clock. */
  readonly changeTimes: readonly number[]
  /** The newest change of a client on its pages was made at this time, by the clock of the server. */
  readonly newestChange: number | undefined
  /** The values of its records have this total size in bytes, which limits how many pages share a transaction. */
  readonly valueBytes: number
  /** Whether a live scan has ended in it. */
  readonly hasLiveEnd: boolean
  readonly change: StateChange
}

export interface PageGroupParts {
  readonly settings: EventSettings
  /**
   * Counts delivered events and dead letters for as long as the stream is assigned to this replica. Each run of the
   * pipeline starts from these counts.
   */
  readonly deadLetterGuard: DeadLetterGuard
  readonly observe: Observe
}

/** A group with this many index entries is full. They are part of the document, in which they take 150 KB. */
export const MAX_ENTRIES = 4_000

/** Holds the page group that is being built, and the state that it leads to. */
export interface BuilderState {
  readonly parts: PageGroupParts
  readonly table: ClientTable
  /** The first event of a client has no previous event: it names this generation of the index instead. */
  readonly generation: number
  /**
   * Starts from the counts of delivered events and dead letters when the run begins, and counts also those that are not
   * delivered yet.
   */
  readonly guardOfThisRun: DeadLetterGuard
  /**
   * `newEntries` are those of the group that is being built, `undeliveredEntries` those of the group that is being
   * delivered.
   */
  newEntries: Map<ClientKey, IndexEntry>
  undeliveredEntries: ReadonlyMap<ClientKey, IndexEntry>
  /** `scans`, `nextEvent` and `mapping` are those of the state after the group. */
  scans: ScanStates
  nextEvent: number
  mapping: StreamMapping | null
  /** Holds the records and the counts of the group so far. */
  groupSoFar: {
    pages: number
    readonly records: OutgoingRecord[]
    /** The values of the records have this total size in bytes. */
    valueBytes: number
    deadLetters: number
    readonly countsByLane: Map<Lane, LaneCounts>
    readonly changeTimes: number[]
    newestChange: number | undefined
    hasLiveEnd: boolean
  }
}
