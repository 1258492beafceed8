import { HOUR_MS, MINUTE_MS } from '../runtime/clock.ts'
import { isSameScan, type Scan, type ScanName } from './scan-state.ts'

const FREE_FAILURES = 2

/**
 * Returns how long a scan makes no request after this many failures in a row: a minute after three, doubling up to an
 * hour. Pure.
 */
export function backOffMs(failures: number): number {
  return failures <= FREE_FAILURES ? 0 : Math.min(HOUR_MS, MINUTE_MS * 2 ** (failures - FREE_FAILURES - 1))
}

/** Counts the failures of the scans, in memory only. Times are in ms of the monotonic clock. */
export interface BackOff {
  /** Returns the time before which this scan makes no request. */
  notBefore(scan: ScanName): number
  putOff(scan: ScanName, until: number): void
  /** Returns how often the scan has failed in a row, without progress. */
  failures(scan: ScanName): number
  /**
   * Counts a page that failed, or a token that was refused; the server may have asked for a longer pause. Returns the
   * failures in a row.
   */
  addFailure(scan: Scan, now: number, serverPauseMs?: number): number
  /** Whether the scan has read more pages than before it failed or its token was refused. */
  isProgress(scan: Scan): boolean
  /** Forgets the failures of the scan. Returns how long it was backed off, if it was. */
  endFailures(scan: ScanName, now: number): number | undefined
}

interface Trouble {
  readonly scanName: ScanName
  readonly failures: number
  /** It had read at most this many pages before a failure. */
  readonly pages: number
  readonly backedOffAt: number | undefined
  readonly notBefore: number
}

export function backOff(): BackOff {
  let troubles: readonly Trouble[] = []
  const troubleOf = (scan: ScanName): Trouble =>
    troubles.find(({ scanName }) => isSameScan(scanName, scan)) ??
    ({ scanName: scan, failures: 0, pages: 0, backedOffAt: undefined, notBefore: 0 } as const)
  const troublesWithout = (scan: ScanName) => troubles.filter(({ scanName }) => !isSameScan(scanName, scan))
  const setTrouble = (trouble: Trouble) => {
    troubles = [...troublesWithout(trouble.scanName), trouble]
  }
  return {
    notBefore: (scan) => troubleOf(scan).notBefore,
    putOff: (scan, until) => setTrouble({ ...troubleOf(scan), notBefore: until }),
    failures: (scan) => troubleOf(scan).failures,
    addFailure: (scan, now, serverPauseMs = 0) => {
      const troubleBefore = troubleOf(scan)
      const failures = troubleBefore.failures + 1
      const pauseMs = backOffMs(failures)
      const backedOffAt = pauseMs === 0 ? undefined : (troubleBefore.backedOffAt ?? now)
      const notBefore = now + Math.max(pauseMs, serverPauseMs)
      setTrouble({
        ...troubleBefore,
        failures,
        pages: Math.max(troubleBefore.pages, scan.pages),
        backedOffAt,
        notBefore,
      })
      return failures
    },
    isProgress: (scan) => scan.pages > troubleOf(scan).pages,
    endFailures: (scan, now) => {
      const { backedOffAt } = troubleOf(scan)
      troubles = troublesWithout(scan)
      return backedOffAt === undefined ? undefined : now - backedOffAt
    },
  }
}
