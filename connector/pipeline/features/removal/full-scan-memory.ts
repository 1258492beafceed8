import type { ClientKey } from '../../../index/index-entry.ts'
import { type KeySet, keySet } from '../../../index/key-set.ts'
import type { Scan } from '../../../scan/scan-state.ts'

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
