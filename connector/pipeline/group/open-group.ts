import type { OutgoingRecord } from '../../event/client-event.ts'
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
  added: AddedToGroup
}

export interface AddedToGroup {
  pages: number
  readonly records: OutgoingRecord[]
  /** Of all values in bytes. */
  size: number
}

/** With so many index entries a group is full: they are part of the document. A page adds at most as many. */
export const MAX_ENTRIES = 2_000

/** The entry of a client after everything that was added so far. */
export function knownEntry(group: OpenGroup, key: ClientKey): IndexEntry | undefined {
  return group.entries.get(key) ?? group.undelivered.get(key) ?? group.index.get(key)
}

export function addRecord(added: AddedToGroup, record: OutgoingRecord): void {
  added.records.push(record)
  added.size += record.value === null ? 0 : Buffer.byteLength(record.value)
}
