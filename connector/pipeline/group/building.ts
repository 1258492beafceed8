import type { StateChange } from '../../checkpoint/checkpoint-document.ts'
import type { OutgoingRecord } from '../../event/client-event.ts'
import type { DeadLetterGuard } from '../../event/dead-letter.ts'
import type { EventSettings } from '../../event/outgoing-record.ts'
import type { StreamMapping } from '../../event/page-mapping.ts'
import type { ClientTable } from '../../index/client-table.ts'
import type { ClientKey, IndexEntry } from '../../index/index-entry.ts'
import type { Lane, ScanStates } from '../../scan/scan-state.ts'
import type { Observe, ScanCounts } from '../pipeline-event.ts'

/** The pages that share one transaction: their records, and their change to the checkpoint. */
export interface PageGroup {
  readonly pages: number
  readonly records: readonly OutgoingRecord[]
  readonly deadLetters: number
  readonly scans: ReadonlyMap<Lane, ScanCounts>
  /** When the changes were made that live scans found, by our clock. */
  readonly changedAt: readonly number[]
  /** When the newest change of a client on its pages was made, by the clock of the server. */
  readonly newestChange: number | undefined
  /** Size of all values in bytes, which limits group commit. */
  readonly size: number
  /** Whether a live scan has ended in it. */
  readonly hasLiveEnd: boolean
  readonly change: StateChange
}

export interface PageGroupParts {
  readonly settings: EventSettings
  /**
   * Counts delivered events and dead letters for as long as the stream runs on this replica. Each opening starts from
   * these counts.
   */
  readonly deadLetters: DeadLetterGuard
  readonly observe: Observe
}

/** With so many index entries a group is full: they are part of the document, where they take 150 KB. */
export const MAX_ENTRIES = 4_000

/** The page group being built, and the state that it leads to. */
export interface Building {
  readonly settings: PageGroupParts
  readonly table: ClientTable
  /** Stands for the previous event of a client without an index entry. */
  readonly generation: number
  readonly deadLetters: DeadLetterGuard
  /** Entries of the group being built, and of the one being delivered. */
  entries: Map<ClientKey, IndexEntry>
  undelivered: ReadonlyMap<ClientKey, IndexEntry>
  scans: ScanStates
  nextEvent: number
  mapping: StreamMapping | null
  added: {
    pages: number
    readonly records: OutgoingRecord[]
    /** Of all values in bytes. */
    size: number
    deadLetters: number
    readonly scans: Map<Lane, ScanCounts>
    readonly changedAt: number[]
    newestChange: number | undefined
    hasLiveEnd: boolean
  }
}
