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
  scanNamed,
  withNextNumber,
} from '../../scan/scan-state.ts'
import { nextTurn, type Turn } from '../../scan/turns.ts'
import { readPage } from '../../source/read-page.ts'
import type { PageReading, PageTrouble, ReaderParts, ReadFrom } from './reader-parts.ts'
import { onReadFailed, onTokenRefused, type Reader, reportRetry, triesOf, troubleOf } from './scan-trouble.ts'
import { requestOf, takePage } from './take-page.ts'

/**
 * Reads the pages of all scans of a stream, one at a time: see `turns.ts`. Invariant 1: the states of a page count once
 * it is delivered. Rejects with `source.*` or the reason of `stop`.
 */
export async function* readPages(
  parts: ReaderParts,
  from: ReadFrom,
  stop: AbortSignal,
): AsyncGenerator<PageReading, void> {
  const reader = newReader(parts, from)
  // Live scans begin one interval apart. With a random phase, streams that start together do not poll together.
  let phaseMs = parts.clock.random() * parts.settings.intervalMs
  const onLiveBegin = () => {
    const { clock, settings, liveDueAt } = reader
    const missed = Math.floor((clock.monotonic() - liveDueAt) / settings.intervalMs)
    reader.liveDueAt += settings.intervalMs * (missed + 1) - phaseMs
    phaseMs = 0
  }
  for (;;) {
    const turn = nextTurnOf(reader)
    if (turn.kind === 'wait') {
      if (isCaughtUp(reader)) return
      await parts.clock.sleep(turn.ms, stop)
      continue
    }
    if (turn.scan.lane === 'live' && reader.states.live.scan === null) onLiveBegin()
    const reading = await readNext(reader, turn.scan, stop)
    if (reading !== undefined) yield reading
  }
}

function newReader(parts: ReaderParts, { states, mapping }: ReadFrom): Reader {
  const { clock, settings, serverClock } = parts
  return {
    ...parts,
    backOff: backOff(),
    states: statesUnderSettings(states, settings, serverClock.times()),
    mapping: mapping ?? noMapping,
    liveDueAt: clock.monotonic(),
    liveSince: undefined,
    liveScans: 0,
    livePages: 0,
    lastBackground: undefined,
  }
}

function nextTurnOf({
  states,
  settings,
  serverClock,
  clock,
  backOff,
  liveDueAt,
  livePages,
  lastBackground,
}: Reader): Turn {
  const turns = { liveDueAt, livePages, lastBackground, notBefore: backOff.notBefore }
  return nextTurn(states, { settings, times: serverClock.times(), now: clock.monotonic(), turns })
}

function isCaughtUp({ until, states, liveScans }: Reader) {
  const { history } = states
  return until === 'caught-up' && liveScans > 0 && history.state === 'done' && scanNamed(states, HISTORY) === undefined
}

/** Undefined: the scan could not read its page. */
async function readNext(reader: Reader, name: ScanName, stop: AbortSignal): Promise<PageReading | undefined> {
  const scan = nextScan(reader, name)
  const isLive = isSameScan(name, LIVE)
  if (isLive) reader.liveSince ??= reader.clock.monotonic()
  else reader.lastBackground = name
  reader.livePages = isLive ? reader.livePages + 1 : 0
  const trouble = troubleOf(reader, scan)
  const onRetry = (error: ConnectorError) => reportRetry(reader, scan, { trouble, error, tried: 'in-place' })
  try {
    const read = await readPage(reader, { at: requestOf(reader, scan), tries: triesOf(reader, scan), onRetry }, stop)
    if (read.kind === 'token-refused') return onTokenRefused(reader, scan, read.error)
    reportRecovery(reader, scan, trouble)
    return takePage(reader, scan, read.page)
  } catch (error) {
    if (stop.aborted) throw error
    return onReadFailed(reader, scan, error)
  }
}

function reportRecovery({ clock, observe }: Reader, { lane }: Scan, trouble: PageTrouble) {
  const { since, failures } = trouble
  if (since === undefined) return
  trouble.since = undefined
  trouble.failures = 0
  observe({ kind: 'read-recovered', scan: lane, failures, failedForMs: clock.monotonic() - since })
}

/** The scan whose page is read next, which begins if it is not in progress. */
function nextScan(reader: Reader, name: ScanName): Scan {
  const { settings, beginAt, serverClock, observe } = reader
  if (scanNamed(reader.states, name) === undefined) {
    reader.states = withNewScan(reader.states, name, { settings, beginAt, times: serverClock.times() })
    observe({ kind: 'scan-started', scan: name.lane, lastChanged: scanWithName(reader, name).from })
  }
  const scan = scanWithName(reader, name)
  // Invariant 3: whatever it reads without a token is newer than what scans with a smaller number see.
  if (scan.checkPoint === null) reader.states = withNextNumber(reader.states, scan)
  return scanWithName(reader, name)
}

function scanWithName({ states }: Reader, name: ScanName): Scan {
  const scan = scanNamed(states, name)
  if (scan === undefined) throw new TypeError(`there is no ${name.lane} scan`)
  return scan
}
