import type { StateChange } from '../../checkpoint/stream-state.ts'
import type { CarriedOut, Erasure, StreamRequests } from '../../control/stream-requests.ts'
import type { OutgoingRecord } from '../../event/client-event.ts'
import type { EventSettings } from '../../event/client-record.ts'
import type { DeadLetterGuard } from '../../event/dead-letter.ts'
import type { FieldWatch } from '../../event/missing-fields.ts'
import type { StreamMapping } from '../../event/page-mapping.ts'
import type { ReadingRules } from '../../event/read-client.ts'
import type { RepeatWatch } from '../../event/repeat-watch.ts'
import type { ClientIndex } from '../../index/client-index.ts'
import type { ClientTable } from '../../index/client-table.ts'
import type { ClientKey, IndexEntry } from '../../index/index-entry.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import type { Recheck, ScanKind, ScanStates } from '../../scan/scan-state.ts'
import type { SourceTime } from '../../source/client-source.ts'
import type { FullScanResult, RemovalParts } from '../features/removal/removal-parts.ts'
import type { Observe } from '../pipeline-event.ts'
import type { Reading } from '../read/page-reading.ts'
import type { ScanCounts } from './scan-counts.ts'
import type { ScanMemory } from './scan-memory.ts'

/** The pages, or parts of one, that share one transaction: their records, and their change to the checkpoint. */
export interface PageGroup {
  readonly pages: number
  readonly records: readonly OutgoingRecord[]
  readonly deadLetters: number
  readonly scans: ReadonlyMap<ScanKind, ScanCounts>
  /** Size of all values in UTF-16 code units, which limits group commit. */
  readonly size: number
  readonly erased: readonly ErasedClient[]
  /** Requests to publish again that ended in this group. */
  readonly republished: readonly CarriedOut[]
  /** Entries of erased clients that the group adds or changes. */
  readonly marks: readonly ErasedEntry[]
  /** Erased clients that are published again, because they have changed. */
  readonly changedSince: readonly ClientKey[]
  /** Clients whose removal is published. */
  readonly removed: number
  /** It is the last one with removals of a reading. */
  readonly endsRemovals: boolean
  /** Of a full scan that ends with this group, if clients that are gone are looked for. */
  readonly fullScan: FullScanResult | undefined
  readonly change: StateChange
}

/** Maximum number of index entries that a transaction adds: they are part of the document. */
export const MAX_ENTRIES = 2_000

interface ErasedEntry {
  readonly key: ClientKey
  readonly entry: IndexEntry
}

/** A client that is erased in a group, on request of an operator. */
export interface ErasedClient {
  readonly request: Erasure
  readonly outcome: 'erased' | 'never-published'
}

export interface PageGroupParts {
  readonly settings: EventSettings
  readonly rules: ReadingRules
  /** The rules of the client index, as text: see `rulesText`. */
  readonly indexRules: string
  readonly scanSettings: ScanSettings
  readonly beginAt: SourceTime
  /**
   * Counts delivered events and dead letters for as long as the stream runs on this replica. Each opening starts from
   * these counts.
   */
  readonly deadLetters: DeadLetterGuard
  /** Also counts across openings. Absent: events contain whole clients. */
  readonly fieldWatch?: FieldWatch | undefined
  /** Absent: clients that are gone are not looked for. Its memory also lives across openings. */
  readonly removal?: RemovalParts | undefined
  /** Those that operators have requested and that are not recorded as carried out. */
  readonly requests: Pick<StreamRequests, 'cancelled' | 'isRecorded'>
  readonly observe: Observe
}

/** The state of a page group builder. */
export interface Building {
  readonly parts: PageGroupParts
  readonly index: ClientIndex
  readonly table: Pick<ClientTable, 'partitions'>
  readonly deadLetters: DeadLetterGuard
  readonly repeats: RepeatWatch
  readonly memory: ScanMemory
  /** Entries of the group being built, and of the one being delivered. */
  entries: Map<ClientKey, IndexEntry>
  undelivered: ReadonlyMap<ClientKey, IndexEntry>
  /** The number of the tombstone of each client that was erased since the stream was opened. */
  readonly erasedAt: Map<ClientKey, number>
  scans: ScanStates
  recheck: Recheck | null
  events: number
  mapping: StreamMapping | null
  republishing: Republishing | null
  carriedOut: readonly CarriedOut[]
  group: Gathered
  /** What of the last reading is not in a group yet. */
  rest: { readonly reading: Reading; readonly at: number } | undefined
  /** Marks the clients that a full scan did not return, after its last page. */
  marking: Generator<'slice' | 'part', FullScanResult> | undefined
}

/** What the scan for a request to publish again has done: see `Republished`. */
export interface Republishing {
  readonly id: string
  readonly since: number
  published: number
  changed: number
  readonly missing: Set<ClientKey> | null
}

/** The entry of a client after everything that was added so far. */
export function knownEntry({ entries, undelivered, index }: Building, key: ClientKey): IndexEntry | undefined {
  return entries.get(key) ?? undelivered.get(key) ?? index.get(key)
}

/** The entry of a client that the server has returned: it is not missing any more. */
export function returnedEntry(building: Building, key: ClientKey): IndexEntry | undefined {
  const known = knownEntry(building, key)
  const isMissing = known?.mark === 'missing' || known?.mark === 'gone'
  building.parts.removal?.memory.returned(key, isMissing ? 'missing' : 'not missing')
  if (!isMissing) return known
  const entry: IndexEntry = { ...known, mark: 'none' }
  building.entries.set(key, entry)
  return entry
}

export type Gathered = Pick<
  Mutable<PageGroup>,
  'pages' | 'deadLetters' | 'size' | 'removed' | 'endsRemovals' | 'fullScan'
> & {
  readonly records: OutgoingRecord[]
  readonly scans: Map<ScanKind, ScanCounts>
  readonly erased: ErasedClient[]
  readonly republished: CarriedOut[]
  readonly changedSince: ClientKey[]
}
type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }
