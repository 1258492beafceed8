import { noMapping } from '../../event/page-mapping.ts'
import type { ConnectorError } from '../../runtime/connector-error.ts'
import { backOff } from '../../scan/back-off.ts'
import { scansUnderSettings, withNewScan } from '../../scan/begin-scan.ts'
import {
  HISTORY,
  isSameScan,
  LIVE,
  type Scan,
  type ScanName,
  type ScanStates,
  scanNamed,
  withNextNumber,
} from '../../scan/scan-state.ts'
import { nextTurn, type Turn } from '../../scan/turns.ts'
import { readPage } from '../../source/read-page.ts'
import {
  newPageFailures,
  type PageFailures,
  type PageReading,
  type ReaderParts,
  type ReadingStart,
} from './reader-parts.ts'
import {
  type AfterRead,
  countAndReportRetry,
  onReadFailed,
  onTokenRefused,
  pageFailuresOf,
  type Reader,
  triesOf,
} from './scan-trouble.ts'
import { requestOf, takePage } from './take-page.ts'

/**
 * Reads the pages of all scans of a stream, one at a time: `nextTurn` decides which comes next. Invariant 1: the states
 * after a page take effect only after it is delivered. Rejects with `source.*` or the reason of `stop`.
 */
export async function* readPages(
  parts: ReaderParts,
  start: ReadingStart,
  stop: AbortSignal,
): AsyncGenerator<PageReading, void> {
  let reader = newReader(parts, start)
  let afterRead: AfterRead | undefined
  for (;;) {
    const turn = nextTurnOf(reader)
    if (turn.kind === 'wait') {
      if (isCaughtUp(reader)) return
      await parts.clock.sleep(turn.ms, stop)
      continue
    }
    afterRead = await readNextPage(readerAtTurn(reader, turn.scan), turn.scan, stop)
    reader = afterRead.reader
    if (afterRead.reading !== undefined) yield afterRead.reading
    afterRead = undefined // or else the page stays in memory while the next one is read
  }
}

function newReader(parts: ReaderParts, { scans, mapping }: ReadingStart): Reader {
  const { clock, settings, serverClock } = parts
  return {
    ...parts,
    backOff: backOff(),
    scans: scansUnderSettings(scans, settings, serverClock.times()),
    mapping: mapping ?? noMapping,
    liveDueAt: clock.monotonic(),
    livePhaseMs: clock.random() * settings.intervalMs,
    liveUnfinishedSince: undefined,
    endedLiveScans: 0,
    livePagesInARow: 0,
    lastBackground: undefined,
  }
}

function nextTurnOf(reader: Reader): Turn {
  const { scans, settings, serverClock, clock, backOff } = reader
  const readerState = { ...reader, notBefore: backOff.notBefore }
  return nextTurn(scans, { settings, times: serverClock.times(), monotonicNow: clock.monotonic(), readerState })
}

function isCaughtUp({ endsWhen, scans, endedLiveScans }: Reader) {
  const { history } = scans
  return (
    endsWhen === 'caught-up' &&
    endedLiveScans > 0 &&
    history.state === 'done' &&
    scanNamed(scans, HISTORY) === undefined
  )
}

/** Returns the reader that is about to read a page of this scan, which begins if it is not in progress. */
function readerAtTurn(reader: Reader, name: ScanName) {
  const { serverClock, clock, observe, liveUnfinishedSince, livePagesInARow } = reader
  let { scans } = reader
  if (scanNamed(scans, name) === undefined) {
    scans = withNewScan(scans, name, { ...reader, times: serverClock.times() })
    observe({ kind: 'scan-started', scan: name.lane, lastChanged: existingScan(scans, name).from })
  }
  const scan = existingScan(scans, name)
  // Invariant 3: a request without a token starts a new read, so the scan takes a new, higher number. What it sees is
  // newer than what scans with a smaller number see.
  if (scan.checkPoint === null) scans = withNextNumber(scans, scan)
  if (!isSameScan(name, LIVE)) return { ...reader, scans, lastBackground: name, livePagesInARow: 0 }
  const readerWithNextDue = reader.scans.live.scan === null ? withNextLiveDue(reader) : reader
  return {
    ...readerWithNextDue,
    scans,
    liveUnfinishedSince: liveUnfinishedSince ?? clock.monotonic(),
    livePagesInARow: livePagesInARow + 1,
  }
}

/**
 * Returns the reader with the time at which the next live scan is due. Live scans begin one interval apart; only the
 * second one of a reader begins sooner, by a random phase, so that streams that start together do not poll together.
 */
function withNextLiveDue(reader: Reader) {
  const { clock, settings, liveDueAt, livePhaseMs } = reader
  const missedScans = Math.floor((clock.monotonic() - liveDueAt) / settings.intervalMs)
  return { ...reader, liveDueAt: liveDueAt + settings.intervalMs * (missedScans + 1) - livePhaseMs, livePhaseMs: 0 }
}

/** Reads the next page of a scan. Rejects if that fails, unless only this scan is concerned and can be tried again. */
async function readNextPage(reader: Reader, name: ScanName, stop: AbortSignal): Promise<AfterRead> {
  const scan = existingScan(reader.scans, name)
  const pageFailures = pageFailuresOf(reader, scan)
  const onRetry = (error: ConnectorError) =>
    countAndReportRetry(reader, scan, { pageFailures, error, tried: 'in-place' })
  try {
    const result = await readPage(
      reader,
      { request: requestOf(reader, scan), tries: triesOf(reader, scan), onRetry },
      stop,
    )
    if (result.kind === 'token-refused') return { reader: onTokenRefused(reader, scan, result.error) }
    endPageFailures(reader, scan, pageFailures)
    return takePage(reader, scan, result.page)
  } catch (error) {
    if (stop.aborted) throw error
    return { reader: onReadFailed(reader, scan, error) }
  }
}

/** Reports that a page was read after failures, if it had any, and counts from zero again. */
function endPageFailures({ clock, observe }: Reader, { lane }: Scan, pageFailures: PageFailures) {
  const { firstFailureAt, failures } = pageFailures
  if (firstFailureAt === undefined) return
  Object.assign(pageFailures, newPageFailures())
  observe({ kind: 'read-recovered', scan: lane, failures, failedForMs: clock.monotonic() - firstFailureAt })
}

function existingScan(scans: ScanStates, name: ScanName): Scan {
  const scan = scanNamed(scans, name)
  if (scan === undefined) throw new TypeError(`there is no ${name.lane} scan`)
  return scan
}
