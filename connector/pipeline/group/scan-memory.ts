import type { ReadClient } from '../../event/read-client.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Scan, ScanStates, ScanTag } from '../../scan/scan-state.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { type ReturnedClients, returnedClients } from './returned-clients.ts'

/** What this replica remembers of the scans in progress; a restart clears it. */
export interface ScanMemory {
  /** A scan begins, or begins again. */
  beginScan(scan: ScanRun): void
  add(scan: ScanRun, client: ReadClient, readAt: Times): void
  endPage(scan: ScanRun): void
  /** Frees the memory of a complete scan. */
  endScan(tag: ScanTag): void
  /** Of its last client; until its first page is processed, what the scan itself knows. */
  lastModifiedAt(scan: ScanRun): SourceTime | null
  isCycling(scan: ScanRun): boolean
  /** Counts a late change with a known delay. Returns how many the scan has found. */
  foundLate(scan: ScanRun): number
}

/** A scan that has begun once. A later one may have its tag. */
export type ScanRun = Pick<Scan, 'tag' | 'startedAtOurs' | 'restarts' | 'lastModifiedAt'>

interface Remembered {
  readonly run: ScanRun
  readonly returned: ReturnedClients
  lastModifiedAt: SourceTime | null
  isCycling: boolean
  late: number
}

/** `states`: the scans in progress that are resumed. */
export function scanMemory({ live, background }: ScanStates): ScanMemory {
  const byTag = new Map<ScanTag, Remembered>()
  const begin = (run: ScanRun, lastModifiedAt: SourceTime | null) => {
    const remembered = { run, returned: returnedClients(), lastModifiedAt, isCycling: false, late: 0 }
    byTag.set(run.tag, remembered)
    return remembered
  }
  for (const scan of [...background, live.scan]) if (scan !== null) begin(scan, scan.lastModifiedAt)
  // A live scan that continues in the background gets a new tag.
  const of = (scan: ScanRun) => byTag.get(scan.tag) ?? begin(scan, scan.lastModifiedAt)
  const ofRun = ({ tag, startedAtOurs, restarts }: ScanRun) => {
    const remembered = byTag.get(tag)
    const isSame = remembered?.run.startedAtOurs === startedAtOurs && remembered.run.restarts === restarts
    return isSame ? remembered : undefined
  }
  return {
    beginScan: (scan) => void begin(scan, null),
    add: (scan, { key, content, modified }, readAt) => {
      const remembered = of(scan)
      remembered.returned.add(key, content)
      // A shop's clock may be ahead.
      if (modified !== undefined && modified.instant <= readAt.server) remembered.lastModifiedAt = modified.wallClock
    },
    endPage: (scan) => {
      const remembered = of(scan)
      remembered.isCycling = remembered.returned.endPage() === 'cycling'
    },
    endScan: (tag) => void byTag.delete(tag),
    lastModifiedAt: (scan) => (ofRun(scan) ?? scan).lastModifiedAt,
    isCycling: (scan) => ofRun(scan)?.isCycling ?? false,
    foundLate: (scan) => {
      const remembered = of(scan)
      remembered.late += 1
      return remembered.late
    },
  }
}
