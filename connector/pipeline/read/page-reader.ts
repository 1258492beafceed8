import { noMapping } from '../../event/page-mapping.ts'
import type { ConnectorError } from '../../runtime/connector-error.ts'
import { backOff } from '../../scan/back-off.ts'
import { statesUnderSettings, withNewScan } from '../../scan/begin-scan.ts'
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
  type ReadFrom,
} from './reader-parts.ts'
import {
  type AfterRead,
  onReadFailed,
  onTokenRefused,
  pageFailuresOf,
  type Reader,
  reportRetry,
  triesOf,
} from './scan-trouble.ts'
import { requestOf, takePage } from './take-page.ts'

/**
 * Reads the pages of all scans of a stream, one at a time: `nextTurn` decides which comes next. Invariant 1: the states
 * after a page take effect only after it is delivered. Rejects with `source.*` or the reason of `stop`.
 */
export async function* readPages(
  parts: ReaderParts,
  from: ReadFrom,
  stop: AbortSignal,
): AsyncGenerator<PageReading, void> {
  let reader = newReader(parts, from)
  for (;;) {
    const turn = nextTurnOf(reader)
    if (turn.kind === 'wait') {
      if (isCaughtUp(reader)) return
      await parts.clock.sleep(turn.ms, stop)
      continue
    }
    const next = await readNext(withTurn(reader, turn.scan), turn.scan, stop)
    reader = next.reader
    if (next.reading !== undefined) yield next.reading
  }
}

function newReader(parts: ReaderParts, { scans, mapping }: ReadFrom): Reader {
  const { clock, settings, serverClock } = parts
  return {
    ...parts,
    backOff: backOff(),
    states: statesUnderSettings(scans, settings, serverClock.times()),
    mapping: mapping ?? noMapping,
    liveDueAt: clock.monotonic(),
    livePhaseMs: clock.random() * settings.intervalMs,
    liveUnfinishedSince: undefined,
    liveScans: 0,
    livePages: 0,
    lastBackground: undefined,
  }
}

function nextTurnOf(reader: Reader): Turn {
  const { states, settings, serverClock, clock, backOff } = reader
  const turns = { ...reader, notBefore: backOff.notBefore }
  return nextTurn(states, { settings, times: serverClock.times(), now: clock.monotonic(), turns })
}

function isCaughtUp({ until, states, liveScans }: Reader) {
  const { history } = states
  return until === 'caught-up' && liveScans > 0 && history.state === 'done' && scanNamed(states, HISTORY) === undefined
}

/** Returns the reader whose turn it is to read a page of this scan, which begins if it is not in progress. */
function withTurn(reader: Reader, name: ScanName) {
  const { serverClock, clock, observe, liveUnfinishedSince, livePages } = reader
  let { states } = reader
  if (scanNamed(states, name) === undefined) {
    states = withNewScan(states, name, { ...reader, times: serverClock.times() })
    observe({ kind: 'scan-started', scan: name.lane, lastChanged: scanWithName(states, name).from })
  }
  const scan = scanWithName(states, name)
  // Invariant 3: what a scan reads without a token is newer than what scans with a smaller number see.
  if (scan.checkPoint === null) states = withNextNumber(states, scan)
  if (!isSameScan(name, LIVE)) return { ...reader, states, lastBackground: name, livePages: 0 }
  const dueReader = reader.states.live.scan === null ? withNextLiveDue(reader) : reader
  return {
    ...dueReader,
    states,
    liveUnfinishedSince: liveUnfinishedSince ?? clock.monotonic(),
    livePages: livePages + 1,
  }
}

/**
 * Returns the reader with the time at which the next live scan is due. Live scans begin one interval apart; only the
 * second one of a reader begins sooner, by a random phase, so that streams that start together do not poll together.
 */
function withNextLiveDue(reader: Reader) {
  const { clock, settings, liveDueAt, livePhaseMs } = reader
  const missed = Math.floor((clock.monotonic() - liveDueAt) / settings.intervalMs)
  return { ...reader, liveDueAt: liveDueAt + settings.intervalMs * (missed + 1) - livePhaseMs, livePhaseMs: 0 }
}

/** Reads the next page of a scan. Rejects if that fails, unless only this scan is concerned and can be tried again. */
async function readNext(reader: Reader, name: ScanName, stop: AbortSignal): Promise<AfterRead> {
  const scan = scanWithName(reader.states, name)
  const pageFailures = pageFailuresOf(reader, scan)
  const onRetry = (error: ConnectorError) => reportRetry(reader, scan, { pageFailures, error, tried: 'in-place' })
  try {
    const read = await readPage(reader, { at: requestOf(reader, scan), tries: triesOf(reader, scan), onRetry }, stop)
    if (read.kind === 'token-refused') return { reader: onTokenRefused(reader, scan, read.error) }
    reportRecovery(reader, scan, pageFailures)
    return takePage(reader, scan, read.page)
  } catch (error) {
    if (stop.aborted) throw error
    return { reader: onReadFailed(reader, scan, error) }
  }
}

function reportRecovery({ clock, observe }: Reader, { lane }: Scan, pageFailures: PageFailures) {
  const { firstFailureAt, failures } = pageFailures
  if (firstFailureAt === undefined) return
  Object.assign(pageFailures, newPageFailures())
  observe({ kind: 'read-recovered', scan: lane, failures, failedForMs: clock.monotonic() - firstFailureAt })
}

function scanWithName(states: ScanStates, name: ScanName): Scan {
  const scan = scanNamed(states, name)
  if (scan === undefined) throw new TypeError(`there is no ${name.lane} scan`)
  return scan
}
