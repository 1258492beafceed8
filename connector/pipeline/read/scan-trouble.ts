import type { StreamMapping } from '../../event/page-mapping.ts'
import { ConnectorError, isTransient } from '../../runtime/connector-error.ts'
import { type BackOff, backOffMs } from '../../scan/back-off.ts'
import { restartedScan, resumedScan, scansAfterHandOver } from '../../scan/begin-scan.ts'
import { LIVE, type Scan, type ScanName, type ScanStates, withoutScan, withScan } from '../../scan/scan-state.ts'
import type { ReadMode } from '../../source/read-page.ts'
import { newPageFailures, type PageFailures, type PageReading, type ReaderParts } from './reader-parts.ts'

/**
 * Holds the parts and the state of a reader. Times are of the monotonic clock. Reading a page returns the next
 * `Reader`. All of them share the back-off, the failure counts, the configured paths and the server clock, which change
 * in place.
 */
export interface Reader extends ReaderParts {
  readonly backOff: BackOff
  readonly scans: ScanStates
  readonly mapping: StreamMapping
  /** The next live scan is due at this time. */
  readonly liveDueAt: number
  /** The second live scan begins this much sooner than one interval after the first. */
  readonly livePhaseMs: number
  /**
   * The reader has had an unfinished live scan since this time, even if the scan had to begin again meanwhile. It is
   * undefined if there is none. After `LONG_SCAN_MS` the scan is handed over: it continues as a catch-up scan.
   */
  readonly liveUnfinishedSince: number | undefined
  /** Counts the live scans that have ended. */
  readonly endedLiveScans: number
  /** Counts the turns of live scans since a scan of the background had a turn. */
  readonly livePagesInARow: number
  /** This scan of the background had a turn last; undefined if none has had one. */
  readonly lastBackground: ScanName | undefined
}

/** Holds the reader after a try to read a page, and the page if it was read. */
export interface AfterRead {
  readonly reader: Reader
  readonly reading?: PageReading
}

/** A live scan that has not ended after this time is handed over: it continues as a catch-up scan. */
const LONG_SCAN_MS = 60_000
const handOverAt = ({ liveUnfinishedSince, clock }: Reader) => (liveUnfinishedSince ?? clock.monotonic()) + LONG_SCAN_MS

const isFirstLivePage = ({ lane, startedAt }: Scan) => lane === 'live' && startedAt === null

/** The first page of live scans is tried in place for this long, and then again each time after this pause. */
const LIVE_IN_PLACE_MS = 60_000
const LIVE_AGAIN_MS = 15_000

/**
 * Returns where and for how long a page is tried. The first page of live scans is tried in place for a minute after its
 * first failure, and a later one until its scan is handed over. A page of the background is tried once in each turn of
 * its scan. With `endsWhen: 'caught-up'` all pages are tried in place, without a deadline. The retry policy also limits
 * how often a page is tried in place.
 */
export function triesOf(reader: Reader, scan: Scan): ReadMode['tries'] {
  const { endsWhen, backOff, clock, livePageFailures } = reader
  if (endsWhen === 'caught-up') return { kind: 'in-place' }
  if (scan.lane !== 'live') return { kind: 'once', failures: backOff.failures(scan) }
  if (!isFirstLivePage(scan)) return { kind: 'in-place', deadline: handOverAt(reader) }
  return { kind: 'in-place', deadline: (livePageFailures.firstFailureAt ?? clock.monotonic()) + LIVE_IN_PLACE_MS }
}

/** Returns where the failures of a page of this scan are counted. */
export function pageFailuresOf({ livePageFailures }: Reader, scan: Scan): PageFailures {
  return isFirstLivePage(scan) ? livePageFailures : newPageFailures()
}

/** Counts and reports a failure after which the page is tried again. */
export function countAndReportRetry(
  { clock, observe }: Reader,
  { lane }: Scan,
  { pageFailures, error, tried }: { pageFailures: PageFailures; error: ConnectorError; tried: 'in-place' | 'in-turn' },
): void {
  pageFailures.firstFailureAt ??= clock.monotonic()
  pageFailures.failures += 1
  observe({ kind: 'read-retried', scan: lane, tried, code: error.code, attempt: pageFailures.failures, error })
}

/**
 * Returns the reader whose live scan continues as catch-up, because it has not ended after a minute; undefined for any
 * other scan.
 */
export function readerAfterHandOver(reader: Reader, scan: Scan): Reader | undefined {
  if (scan.lane !== 'live' || scan.startedAt === null || reader.clock.monotonic() < handOverAt(reader)) return undefined
  reader.observe({ kind: 'scan-started', scan: 'catch-up', lastChanged: scan.from })
  return { ...reader, scans: scansAfterHandOver(reader.scans, scan), liveUnfinishedSince: undefined }
}

/**
 * Returns the reader after a page that could not be read. Throws the error, unless only this scan is concerned and can
 * be tried again later.
 */
export function onReadFailed(reader: Reader, scan: Scan, error: unknown): Reader {
  const { endsWhen, livePageFailures, backOff, clock } = reader
  if (!(error instanceof ConnectorError) || !isTransient(error) || endsWhen === 'caught-up') throw error
  const handedOverReader = readerAfterHandOver(reader, scan)
  if (handedOverReader !== undefined) return handedOverReader
  const monotonicNow = clock.monotonic()
  if (isFirstLivePage(scan)) {
    backOff.putOff(scan, monotonicNow + Math.max(LIVE_AGAIN_MS, serverPauseMsOf(reader, error)))
    countAndReportRetry(reader, scan, { pageFailures: livePageFailures, error, tried: 'in-turn' })
  } else if (scan.lane === 'live') throw error
  else if (livePageFailures.firstFailureAt !== undefined) {
    // The server fails for all scans: this scan is tried again after the next live try. Its failure is reported
    // with the next number of the live page, but not counted: `livePageFailures` counts those of the live page only.
    backOff.putOff(
      scan,
      Math.max(monotonicNow, backOff.notBefore(LIVE), monotonicNow + serverPauseMsOf(reader, error)) + 1,
    )
    countAndReportRetry(reader, scan, { pageFailures: { ...livePageFailures }, error, tried: 'in-turn' })
  } else {
    const failures = countFailure(reader, scan, error)
    const pageFailures = { firstFailureAt: monotonicNow, failures: failures - 1 }
    if (backOffMs(failures) === 0) countAndReportRetry(reader, scan, { pageFailures, error, tried: 'in-turn' })
  }
  return reader
}

/** Returns the pause that the server asks for (`Retry-After`), up to a limit. */
function serverPauseMsOf({ retryPolicy }: Reader, { retryAfterMs = 0 }: ConnectorError) {
  return Math.min(retryAfterMs, retryPolicy.maxRetryAfterMs)
}

/** Returns the reader after the server has refused the token of a scan: the scan resumes or begins again. */
export function onTokenRefused(reader: Reader, scan: Scan, error: ConnectorError): Reader {
  const nextScan = resumedScan(scan, { ...reader, times: reader.serverClock.times() })
  reader.observe({ kind: 'checkpoint-refused', scan: scan.lane, lastChanged: nextScan.lastChanged, error })
  return readerReadingAgain(reader, { scan, nextScan }, `the server refused its own checkPoint: ${error.message}`)
}

/** Returns the reader after a scan whose answers lead nowhere: it begins again. */
export function onStuck(reader: Reader, scan: Scan, why: string): Reader {
  const { observe, backOff, clock } = reader
  observe({ kind: 'scan-stuck', scan: scan.lane, why })
  const nextReader = readerReadingAgain(
    reader,
    { scan, nextScan: restartedScan(scan) },
    `hasMoreResults is true, but ${why}`,
  )
  // A server that pages without end is not asked at every short interval.
  if (scan.lane === 'live') backOff.putOff(scan, clock.monotonic() + LIVE_AGAIN_MS)
  return nextReader
}

function readerReadingAgain(reader: Reader, { scan, nextScan }: { scan: Scan; nextScan: Scan }, why: string) {
  // A scan asks for its last page a second time, but only once: it keeps that it has asked, since a server that refuses
  // the token each time would otherwise make it ask forever.
  const nextScanToRead = { ...nextScan, isEndAskedAgain: scan.isEndAskedAgain }
  const handedOverReader = readerAfterHandOver(reader, scan)
  if (handedOverReader !== undefined) return handedOverReader
  const isLater = nextScanToRead.lastChanged > scan.lastChanged
  // A live scan that must begin again does so when the next one is due.
  const scans =
    scan.lane === 'live' && !isLater ? withoutScan(reader.scans, LIVE) : withScan(reader.scans, nextScanToRead)
  if (isLater) onProgress(reader, scan)
  else countFailure(reader, scan, new ConnectorError('source.stuck', `read page: ${why}`))
  return { ...reader, scans }
}

/**
 * Counts a failure of a scan, and returns how many it has had in a row without progress. From the third on, a scan of
 * the background is backed off, and a live scan is not. With `endsWhen: 'caught-up'` the error of the third is thrown
 * instead.
 */
function countFailure(reader: Reader, scan: Scan, error: ConnectorError) {
  const { backOff, clock, endsWhen, observe } = reader
  const monotonicNow = clock.monotonic()
  const serverPauseMs = serverPauseMsOf(reader, error)
  const failures = backOff.addFailure(scan, monotonicNow, serverPauseMs)
  const pauseMs = backOffMs(failures)
  if (pauseMs > 0 && endsWhen === 'caught-up') throw error
  const { lane, reachMs } = scan
  const { code } = error
  // A live scan is not backed off: this ends the pause that `addFailure` has just begun.
  if (lane === 'live') backOff.putOff(scan, monotonicNow)
  else if (pauseMs > 0)
    observe({ kind: 'scan-backed-off', scan: lane, reachMs, pauseMs: Math.max(pauseMs, serverPauseMs), code, error })
  return failures
}

/** Forgets the failures of a scan that has made progress. */
export function onProgress({ backOff, clock, observe }: Reader, scan: Scan): void {
  const backedOffMs = backOff.endFailures(scan, clock.monotonic())
  const { lane, reachMs } = scan
  if (backedOffMs !== undefined && lane !== 'live')
    observe({ kind: 'scan-recovered', scan: lane, reachMs, backedOffMs })
}
