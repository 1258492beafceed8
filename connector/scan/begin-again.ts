import { instantOf } from '../source/source-time.ts'
import { type ReadingParts, reading } from './begin-scan.ts'
import { noTimes, resumeTime } from './scan-order.ts'
import type { ScanSettings, Times } from './scan-settings.ts'
import { LIVE, LONGEST_PAUSE_MS, noTokens, type Scan, type ScanStates } from './scan-state.ts'

/** A scan begins again, or asks for a page again. All are pure. */

/** The scan after its token was refused: it begins again. */
export function afterRefusal(scan: Scan, settings: ScanSettings, times: Times): Scan {
  const again = withoutToken(scan, settings, times)
  return { ...again, refusals: again.lastChanged > scan.lastChanged ? 1 : scan.refusals + 1 }
}

/** The scan begins again: where its times have proven an order, at one of them minus the overlap, else at its start. */
function withoutToken(scan: Scan, settings: ScanSettings, times: Times): Scan {
  const { from, order } = scan
  const time = resumeTime(order)
  if (time === null) return fromItsStart(scan)
  const instant = instantOf(time, settings.timeZone, 'earlier') - settings.overlapMs
  const lastChanged = reading(instant, { settings, times, beginAt: from })
  return { ...unread(scan), lastChanged, hasResumed: lastChanged > from }
}

/** A stuck scan begins again; one of the background after a pause. */
export function afterStuck(scan: Scan, ours: number): Scan {
  return { ...fromItsStart(scan), refusals: 0, notBefore: scan.tag === LIVE ? 0 : ours + pauseMs(scan.restarts) }
}

const FIRST_PAUSE_MS = 60_000
const pauseMs = (times: number) => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** times)

/** Limit of repeats of a page, which take about 15 minutes. */
const MAX_REPEATS = 17
const repeatPauseMs = (times: number) => Math.min(FIRST_PAUSE_MS, 5_000 * 2 ** times)

/**
 * Whether a failed page is asked for again with its token before any other scan reads, which would end this one on a
 * server that mixes up scans, and nothing shows where to resume it.
 */
export function keepsToken(scan: Scan, { interleaving }: Pick<ScanStates, 'interleaving'>): boolean {
  const isLast = interleaving === 'serial' && scan.checkPoint !== null && resumeTime(scan.order) === null
  return isLast && scan.failures < MAX_REPEATS
}

/**
 * A background scan whose page cannot be read asks for it again later. If scans run serially, live scans read during a
 * pause, after which its token is lost.
 */
export function afterFailure(
  scan: Scan,
  states: Pick<ScanStates, 'interleaving'>,
  { settings, times }: Omit<ReadingParts, 'beginAt'>,
): Scan {
  const failures = scan.failures + 1
  if (keepsToken(scan, states)) return { ...scan, failures, notBefore: times.ours + repeatPauseMs(scan.failures) }
  const isLost = states.interleaving === 'serial' && scan.checkPoint !== null
  const again = isLost ? withoutToken(scan, settings, times) : scan
  return { ...again, failures, notBefore: times.ours + pauseMs(scan.failures) }
}

/**
 * The states on a server that mixes up scans: those in progress begin again, as all their tokens are mixed up.
 */
export function serially(states: ScanStates): ScanStates {
  const { live, background } = states
  return {
    ...states,
    interleaving: 'serial',
    live: { ...live, scan: live.scan === null ? null : fromItsStart(live.scan) },
    background: background.map(fromItsStart),
  }
}

/** As if the scan had read nothing. */
export function begunAgain(scan: Scan): Scan {
  return { ...fromItsStart(scan), startedAt: null, startedAtOurs: null, pages: 0, clients: 0 }
}

/** What follows a complete scan that was resumed by a modification time: once, the same from its start. */
export function followUp(scan: Scan): Scan | undefined {
  return scan.hasResumed && !scan.isFollowUp ? { ...begunAgain(scan), isFollowUp: true } : undefined
}

export function fromItsStart(scan: Scan): Scan {
  const { from, restarts } = scan
  return { ...unread(scan), lastChanged: from, order: noTimes, hasResumed: false, restarts: restarts + 1 }
}

/** Without its token. */
function unread(scan: Scan): Scan {
  // The end is repeated once for each scan.
  const end = scan.end === 'none' ? 'none' : 'repeated'
  return { ...scan, checkPoint: null, tokens: noTokens, emptyPages: 0, end }
}
