import {
  type ClientKey,
  ENTRY_WORDS,
  type EntryMark,
  type IndexEntry,
  readEntry,
  readKey,
} from '../../../index/index-entry.ts'
import { type KeySet, keySet } from '../../../index/key-set.ts'
import { begunAgain } from '../../../scan/begin-again.ts'
import { FULL, type Scan, scanWith, withScan } from '../../../scan/scan-state.ts'
import { isEndUnconfirmed } from '../../../scan/scan-step.ts'
import { knownEntry, MAX_ENTRIES, type OpenGroup } from '../../group/open-group.ts'
import type { PageReading } from '../../read/page-reading.ts'
import { areTooMany, type FullScanResult, type RemovedSettings } from './removed-clients.ts'

/** Other work of the process runs after this many entries, which take about a millisecond. */
const SLICE_ENTRIES = 2_000

/**
 * Marks the clients of the index that no scan has returned since the full scan began: first those that the last full
 * scan did not return either (`gone`), then the others (`missing`). Yields `slice` when other work may run, and `part`
 * when the group is full.
 */
export function* markMissing(
  group: OpenGroup,
  { settings, memory }: { readonly settings: RemovedSettings; readonly memory: FullScanMemory },
  { scan, page }: Pick<PageReading, 'scan' | 'page'>,
): Generator<'slice' | 'part', FullScanResult> {
  if (!memory.knows(scan)) throw new TypeError('which clients the full scan returned is not known')
  const { clients, gone, missing, marked } = yield* unseenClients(group, memory, scan)
  const counts = { clients, missing: missing.length + marked, gone: gone.length }
  const found = { scan, ...counts, returned: memory.returnedAgain() }
  const { earliest } = group.scans
  if (earliest !== null && earliest < scan.from) return { ...found, outcome: 'later-beginning' }
  if (scan.hasResumed || isEndUnconfirmed(page, scan)) return { ...found, outcome: 'incomplete' }
  const isSuspicious = areTooMany(counts.missing, clients, settings) || areTooMany(counts.gone, clients, settings)
  if (isSuspicious) return { ...found, outcome: 'too-many' }
  yield* mark(group, gone, 'gone')
  // What is interrupted from here on must not take its own marks for those of the full scan before.
  const stored = scanWith(group.scans, FULL)
  const known = stored === undefined || stored.startedAtOurs === null ? begunAgain(scan) : stored
  if (missing.length > 0) group.scans = withScan(group.scans, { ...known, isMarking: true })
  yield* mark(group, missing, 'missing')
  return { ...found, outcome: 'marked' }
}

interface Unseen {
  /** That the full scan should return. */
  readonly clients: number
  readonly missing: readonly ClientKey[]
  readonly gone: readonly ClientKey[]
  /** Already marked as missing by this scan. */
  readonly marked: number
}

function* unseenClients(group: OpenGroup, memory: FullScanMemory, scan: Scan): Generator<'slice', Unseen> {
  const [missing, gone]: [ClientKey[], ClientKey[]] = [[], []]
  let [clients, checked, marked] = [0, 0, 0]
  for (const words of group.table.partitions()) {
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      checked += 1
      if (checked % SLICE_ENTRIES === 0) yield 'slice'
      const key = readKey(words, at)
      const entry = group.entries.get(key) ?? group.undelivered.get(key) ?? readEntry(words, at)
      if (!isExpected(entry)) continue
      clients += 1
      // Changed since: another scan returned it.
      if (entry.number >= scan.since || memory.has(key)) continue
      if (entry.mark === 'none') missing.push(key)
      else if (scan.isMarking) marked += 1
      else gone.push(key)
    }
  }
  return { clients, missing, gone, marked }
}

/** Whether a full scan is expected to return the client. */
const isExpected = ({ mark, isDeadLetter }: IndexEntry) => !isDeadLetter && (mark === 'none' || mark === 'missing')

function* mark(group: OpenGroup, keys: readonly ClientKey[], as: EntryMark): Generator<'slice' | 'part', void> {
  for (const [index, key] of keys.entries()) {
    if (index % SLICE_ENTRIES === SLICE_ENTRIES - 1) yield 'slice'
    if (group.entries.size >= MAX_ENTRIES) yield 'part'
    const entry = knownEntry(group, key)
    if (entry !== undefined) group.entries.set(key, { ...entry, mark: as })
  }
}

/**
 * Which clients were returned since the full scan in progress began, by any scan. In the memory of this replica, also
 * across openings of the stream.
 */
export interface FullScanMemory {
  /** Whether all pages that this full scan has read are known here; otherwise it must begin again. */
  knows(scan: Scan): boolean
  /** The first page of a full scan: what is returned from now on counts for it. Nothing changes if it begins again. */
  begin(scan: Scan): void
  /** Any scan has returned a client. `wasMissing`: the last full scan had not. */
  returned(key: ClientKey, wasMissing: 'missing' | 'not missing'): void
  endPage(scan: Scan): void
  has(key: ClientKey): boolean
  /** Clients that were missing and are returned again. */
  returnedAgain(): number
  /** Frees the memory of this full scan. */
  end(scan: Scan): void
}

interface Remembered {
  readonly startedAtOurs: number
  readonly keys: KeySet
  /** Pages of the scan that are completely in `keys`. */
  pages: number
  returnedAgain: number
}

export function fullScanMemory(): FullScanMemory {
  let remembered: Remembered | undefined
  const of = ({ startedAtOurs }: Scan) => (remembered?.startedAtOurs === startedAtOurs ? remembered : undefined)
  return {
    // Another replica may have read more pages in between.
    knows: (scan) => scan.pages === 0 || (of(scan)?.pages ?? 0) >= scan.pages,
    begin: (scan) => {
      if (scan.startedAtOurs === null || of(scan) !== undefined) return
      remembered = { startedAtOurs: scan.startedAtOurs, keys: keySet(), pages: 0, returnedAgain: 0 }
    },
    returned: (key, wasMissing) => {
      if (remembered === undefined) return
      remembered.keys.add(key)
      if (wasMissing === 'missing') remembered.returnedAgain += 1
    },
    endPage: (scan) => {
      const known = of(scan)
      if (known !== undefined) known.pages = scan.pages
    },
    has: (key) => remembered?.keys.has(key) ?? false,
    returnedAgain: () => remembered?.returnedAgain ?? 0,
    end: (scan) => {
      if (of(scan) !== undefined) remembered = undefined
    },
  }
}
