import type { StreamMapping } from '../../event/page-mapping.ts'
import { ConnectorError, isTransient } from '../../runtime/connector-error.ts'
import { type BackOff, pauseAfter } from '../../scan/back-off.ts'
import { handedOver, restarted, resumed } from '../../scan/begin-scan.ts'
import { LIVE, type Scan, type ScanName, type ScanStates, withoutScan, withScan } from '../../scan/scan-state.ts'
import type { ReadMode } from '../../source/read-page.ts'
import type { ReaderParts } from './reader-parts.ts'

/** The state of a reader. Times are of the monotonic clock. */
export interface Reader extends ReaderParts {
  readonly backOff: BackOff
  states: ScanStates
  mapping: StreamMapping
  liveDueAt: number
  /** Since when live scans have begun without an end; undefined: the last one has ended. */
  liveSince: number | undefined
  /** Live scans that ended. */
  liveScans: number
  /** Live pages since the last page of the background, and the scan of that. */
  livePages: number
  last: ScanName | undefined
}

const LONG_SCAN_MS = 60_000
const longAt = ({ liveSince, clock }: Reader) => (liveSince ?? clock.monotonic()) + LONG_SCAN_MS

/** A live page is retried where it failed, a page of the background once in its turn. */
export function modeOf(reader: Reader, scan: Scan): ReadMode {
  if (reader.until === 'caught-up') return { tries: { kind: 'in-place' } }
  if (scan.lane !== 'live') return { tries: { kind: 'once', failures: reader.backOff.failures(scan) } }
  return { tries: { kind: 'in-place', until: scan.startedAt === null ? Number.POSITIVE_INFINITY : longAt(reader) } }
}

/** A live scan that has not ended after a minute continues as catch-up, whatever the reason. */
export function handOverIfLong(reader: Reader, scan: Scan): boolean {
  if (scan.lane !== 'live' || scan.startedAt === null || reader.clock.monotonic() < longAt(reader)) return false
  reader.states = handedOver(reader.states, scan)
  reader.liveSince = undefined
  reader.observe({ kind: 'scan-started', scan: 'catch-up', lastChanged: scan.from })
  return true
}

/** Throws the error of a page that could not be read, unless only its scan is concerned and can be tried again later. */
export function failed(reader: Reader, scan: Scan, error: unknown): undefined {
  if (!(error instanceof ConnectorError) || !isTransient(error) || reader.until === 'caught-up') throw error
  if (handOverIfLong(reader, scan)) return
  if (scan.lane === 'live') throw error
  const { code } = error
  const failures = failedAgain(reader, scan, error)
  if (pauseAfter(failures) === 0) reader.observe({ kind: 'read-retried', code, attempt: failures, error })
}

/** The scan has lost its place: it resumes or begins again. */
export function refused(reader: Reader, scan: Scan, error: ConnectorError): undefined {
  const { settings, serverClock } = reader
  const again = resumed(scan, { settings, times: serverClock.times() })
  reader.observe({ kind: 'checkpoint-refused', scan: scan.lane, lastChanged: again.lastChanged, error })
  readAgain(reader, { scan, again }, `the server refused its own checkPoint: ${error.message}`)
}

/** The answers of the scan lead nowhere: it begins again. */
export function stuck(reader: Reader, scan: Scan, why: string): undefined {
  reader.observe({ kind: 'scan-stuck', scan: scan.lane, why })
  readAgain(reader, { scan, again: restarted(scan) }, `hasMoreResults is true, but ${why}`)
}

function readAgain(reader: Reader, { scan, again }: { scan: Scan; again: Scan }, why: string): void {
  if (handOverIfLong(reader, scan)) return
  const isLater = again.lastChanged > scan.lastChanged
  // A live scan that begins again does so when the next one is due.
  reader.states = scan.lane === 'live' && !isLater ? withoutScan(reader.states, LIVE) : withScan(reader.states, again)
  if (isLater) recovered(reader, scan)
  else failedAgain(reader, scan, new ConnectorError('source.stuck', `read page: ${why}`))
}

/** After three failures in a row without progress, a scan of the background is backed off. Returns the failures. */
function failedAgain({ backOff, clock, until, observe }: Reader, scan: Scan, error: ConnectorError): number {
  const failures = backOff.failed(scan, clock.monotonic())
  const pauseMs = pauseAfter(failures)
  if (pauseMs > 0 && until === 'caught-up') throw error
  const { lane } = scan
  if (pauseMs > 0 && lane !== 'live') observe({ kind: 'scan-backed-off', scan: lane, pauseMs, code: error.code, error })
  return failures
}

/** The scan has made progress. */
export function recovered({ backOff, clock, observe }: Reader, scan: Scan): void {
  const backedOffMs = backOff.recovered(scan, clock.monotonic())
  if (backedOffMs !== undefined && scan.lane !== 'live')
    observe({ kind: 'scan-recovered', scan: scan.lane, backedOffMs })
}
