import {
  type ClientKey,
  ENTRY_WORDS,
  type EntryMark,
  type IndexEntry,
  readEntry,
  readKey,
} from '../../../index/index-entry.ts'
import { begunAgain } from '../../../scan/begin-again.ts'
import { FULL, type Scan, scanWith, withScan } from '../../../scan/scan-state.ts'
import { isEndUnconfirmed } from '../../../scan/scan-step.ts'
import { knownEntry, MAX_ENTRIES, type OpenGroup } from '../../group/open-group.ts'
import type { PageReading } from '../../read/page-reading.ts'
import type { FullScanMemory } from './full-scan-memory.ts'
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
