import type { CarriedOut } from '../../control/stream-requests.ts'
import type { OutgoingRecord } from '../../event/client-event.ts'
import type { PackedRecord, RecordMemory } from '../../event/packed-record.ts'
import type { ClientIndex } from '../../index/client-index.ts'
import type { ClientKey, IndexEntry } from '../../index/index-entry.ts'
import type { ScanStates } from '../../scan/scan-state.ts'

/** The page group being built, and the state that it leads to. */
export interface OpenGroup {
  readonly index: ClientIndex
  /** Entries of the group being built, and of the one being delivered. */
  entries: Map<ClientKey, IndexEntry>
  undelivered: ReadonlyMap<ClientKey, IndexEntry>
  scans: ScanStates
  events: number
  /** Requests of operators that the stream has carried out. */
  carriedOut: readonly CarriedOut[]
  added: AddedToGroup
}

export interface AddedToGroup {
  pages: number
  readonly records: PackedRecord[]
  /** Of all values in bytes. */
  size: number
  readonly memory: RecordMemory
}

/**
 * Adds something to page groups. Yields `slice` when other work of the process may run, and `part` when the group is
 * full: what follows belongs to the next one. Returns `alone` if nothing may join the group.
 */
export type Adding = Generator<'slice' | 'part', 'whole' | 'alone'>

/** Limit of the index entries that a transaction adds: they are part of the document. */
export const MAX_ENTRIES = 2_000
/** Other work runs after this many clients, which take some 5 ms. */
export const SLICE_CLIENTS = 250

/** The entry of a client after everything that was added so far. */
export function knownEntry(group: OpenGroup, key: ClientKey): IndexEntry | undefined {
  return group.entries.get(key) ?? group.undelivered.get(key) ?? group.index.get(key)
}

export function addRecord(added: AddedToGroup, record: OutgoingRecord): void {
  const packed = added.memory.pack(record)
  added.records.push(packed)
  added.size += packed.value?.length ?? 0
}

/** Adds events of one client that are no pages of clients, with the client's entry after them. */
export function addEvents(
  group: OpenGroup,
  records: readonly OutgoingRecord[],
  { key, entry }: { readonly key: ClientKey; readonly entry: IndexEntry },
): void {
  for (const record of records) addRecord(group.added, record)
  group.events += records.length
  group.entries.set(key, entry)
}

export const isCarriedOut = ({ carriedOut }: Pick<OpenGroup, 'carriedOut'>, id: string): boolean =>
  carriedOut.some((one) => one.id === id)
