import type { KeySet } from '../../../index/key-set.ts'
import type { Scan } from '../../../scan/scan-state.ts'
import type { FullScanMemory } from './full-scan-memory.ts'
import type { RemovedSettings } from './removed-clients.ts'

/** What is needed to find clients that are gone. It lives as long as the stream runs on this replica. */
export interface RemovalParts {
  readonly settings: RemovedSettings
  readonly memory: FullScanMemory
  /** Gone clients of which the topic has no event. */
  readonly unknown: KeySet
}

/** What a full scan found about clients that it did not return. */
export interface FullScanResult {
  readonly scan: Scan
  /**
   * `too-many`: so many clients are missing that nothing was marked. `later-beginning`: neither, because earlier scans
   * read from before the beginning of this one. `incomplete`: neither, because the scan was resumed by a modification time
   * twice, or ended with an empty page twice.
   */
  readonly outcome: 'marked' | 'too-many' | 'later-beginning' | 'incomplete'
  /** Clients that a full scan should return: not those that are gone, removed, erased or dead letters. */
  readonly clients: number
  /** Clients missing for the first time, and those missing for the second time in a row. */
  readonly missing: number
  readonly gone: number
  /** Clients that were missing, or gone, and were returned again while the scan ran. */
  readonly returned: number
}
