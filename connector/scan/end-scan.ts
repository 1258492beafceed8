import type { SourceTime } from '../source/client-source.ts'
import { instantOf } from '../source/source-time.ts'
import { lookBackFrom, type ReadingParts, reading } from './begin-scan.ts'
import { failedAfter, LONGEST_WAIT_MS, nextLimit } from './page-limit.ts'
import { earlier, isBackfillFirst, type ScanSettings, type Times } from './scan-settings.ts'
import {
  BACKFILL,
  FIRST_CONTINUED,
  FULL,
  LAST_TAG,
  LIVE,
  type LookBackState,
  noTokens,
  type Recheck,
  type Scan,
  type ScanStates,
  withoutScan,
  withScan,
} from './scan-state.ts'

/** The states after a complete scan: shorter look-backs that it covers are done too. Pure. */
export function scanDone(states: ScanStates, scan: Scan, parts: Omit<ReadingParts, 'times'>): ScanStates {
  const { startedAt, startedAtOurs } = scan
  if (startedAt === null || startedAtOurs === null) throw new TypeError('a scan without a response is done')
  const ended = withoutScan(states, scan.tag)
  if (scan.tag === LIVE) return { ...ended, live: { startedAt, scan: null } }
  const started = { ...parts, times: { ours: startedAtOurs, server: startedAt } }
  const covered = { ...ended, lookBacks: ended.lookBacks.map((state) => afterCover(state, scan, started)) }
  const { fullScan } = parts.settings
  if (scan.tag === BACKFILL) return { ...covered, backfill: 'done' }
  if (scan.tag === FULL)
    return { ...covered, fullDueAt: fullScan === undefined ? null : startedAtOurs + fullScan.everyMs }
  return covered
}

/** A look-back is covered by its own scan, and by a scan that read from its beginning or before. */
function afterCover(state: LookBackState, scan: Scan, started: ReadingParts): LookBackState {
  const { settings, times } = started
  const everyMs = settings.lookBacks.find(({ reachMs }) => reachMs === state.reachMs)?.everyMs
  const isCovered = scan.reachMs === state.reachMs || scan.from <= lookBackFrom(state, started)
  if (!isCovered || everyMs === undefined) return state
  return {
    ...state,
    startedAt: Math.max(state.startedAt, earlier(times)),
    dueAt: Math.max(state.dueAt, times.ours + everyMs),
  }
}

/**
 * What remains to be read again after a complete scan: nothing, if it began after the last client was found and read
 * from before all of them. Pure.
 */
export function recheckAfter(recheck: Recheck | null, scan: Scan): Recheck | null {
  if (recheck === null || scan.startedAtOurs === null) return recheck
  return scan.startedAtOurs > recheck.markedAt && scan.from <= recheck.from ? null : recheck
}

/** A long live scan continues in the background. Unchanged if too many do so already. Pure. */
export function continuedInBackground(states: ScanStates, scan: Scan): ScanStates {
  const used = new Set(states.background.map(({ tag }) => tag))
  for (let tag = FIRST_CONTINUED; tag <= LAST_TAG; tag += 1) {
    if (!used.has(tag))
      return withScan({ ...states, live: { startedAt: scan.startedAt, scan: null } }, { ...scan, tag })
  }
  return states
}

/**
 * The scan after its token was refused: it begins at its start, or at a recent client's time minus the overlap. Pure.
 */
export function afterRefusal(scan: Scan, settings: ScanSettings, times: Times): Scan {
  const { lastModifiedAt, from } = scan
  const again = { ...scan, checkPoint: null, tokens: noTokens, emptyPages: 0, refusals: scan.refusals + 1 }
  if (lastModifiedAt === null) return { ...again, lastChanged: from }
  const instant = instantOf(lastModifiedAt, settings.timeZone, 'earlier') - settings.overlapMs
  const lastChanged = reading(instant, { settings, times, beginAt: from })
  return { ...again, lastChanged, refusals: lastChanged > scan.lastChanged ? 1 : again.refusals }
}

const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 3_600_000

/**
 * The states after a page that took too long or was too large: the scan begins again with smaller ones, like after a
 * refused token. Pure.
 */
export function afterTooMuch(
  states: ScanStates,
  scan: Scan,
  { settings, times }: Omit<ReadingParts, 'beginAt'>,
): ScanStates {
  const failedLimit = failedAfter(states.failedLimit, scan.limit, times.ours)
  const limit = nextLimit({ kind: 'too-much', limit: scan.limit }, failedLimit, times.ours)
  const again = { ...afterRefusal(scan, settings, times), refusals: scan.refusals, limit }
  return withScan({ ...states, failedLimit }, again)
}

/** A stuck scan begins again with larger pages, as more clients may share a second than a page holds. Pure. */
export function afterStuck(scan: Scan, { failedLimit }: Pick<ScanStates, 'failedLimit'>, ours: number): Scan {
  return {
    ...scan,
    ...{ lastChanged: scan.from, checkPoint: null, tokens: noTokens, emptyPages: 0, refusals: 0, lastModifiedAt: null },
    limit: nextLimit({ kind: 'stuck', limit: scan.limit }, failedLimit, ours),
    restarts: scan.restarts + 1,
    notBefore: scan.tag === LIVE ? 0 : ours + pauseMs(scan.restarts),
  }
}

/**
 * A background scan whose page cannot be read asks for it again later. If scans run serially, its token is lost by
 * then, as live scans read meanwhile. Pure.
 */
export function afterFailure(
  scan: Scan,
  { interleaving }: Pick<ScanStates, 'interleaving'>,
  { settings, times }: Omit<ReadingParts, 'beginAt'>,
): Scan {
  const again = interleaving === 'serial' ? { ...afterRefusal(scan, settings, times), refusals: scan.refusals } : scan
  return { ...again, failures: scan.failures + 1, notBefore: times.ours + pauseMs(scan.failures) }
}

const pauseMs = (times: number) => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** times)

/** The states of an opened stream under the current settings. Pure. */
export function configured(states: ScanStates, settings: ScanSettings, times: Times): ScanStates {
  const lookBacks = settings.lookBacks.map(({ reachMs, everyMs }): LookBackState => {
    const known = states.lookBacks.find((one) => one.reachMs === reachMs)
    if (known !== undefined) return { ...known, dueAt: Math.min(known.dueAt, times.ours + everyMs) }
    const { createdAt } = states
    // The backfill of a new stream covers it; an existing stream looks back at once.
    return {
      reachMs,
      startedAt: createdAt ?? earlier(times),
      dueAt: createdAt === null ? times.ours + everyMs : times.ours,
    }
  })
  const { fullScan } = settings
  const isConfigured = ({ reachMs, tag }: Scan) =>
    (reachMs === null || settings.lookBacks.some((one) => one.reachMs === reachMs)) &&
    (tag !== FULL || fullScan !== undefined)
  const { failedLimit } = states
  return {
    ...states,
    lookBacks,
    failedLimit: failedLimit && { ...failedLimit, until: Math.min(failedLimit.until, times.ours + LONGEST_WAIT_MS) },
    fullDueAt:
      fullScan === undefined
        ? null
        : Math.min(states.fullDueAt ?? Number.POSITIVE_INFINITY, times.ours + fullScan.everyMs),
    background: states.background.filter(isConfigured).map((scan) => resumed(scan, states, { settings, times })),
  }
}

/**
 * Unless live scans wait for it, only a scan that this reader began can prove interleaving. No clock prolongs a pause.
 */
function resumed(scan: Scan, states: ScanStates, { settings, times }: Omit<ReadingParts, 'beginAt'>): Scan {
  const notBefore = Math.min(scan.notBefore, times.ours + LONGEST_PAUSE_MS)
  const isAlone = isBackfillFirst(states, settings) && states.live.startedAt === null
  const isDoubtful = states.interleaving === 'unknown' && !isAlone
  return { ...(isDoubtful ? fromItsStart(scan) : scan), notBefore }
}

/**
 * The states on a server that mixes up scans: those in progress begin again, as all their tokens are mixed up. Pure.
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

/** As if the scan had read nothing. Pure. */
export function begunAgain(scan: Scan): Scan {
  return { ...fromItsStart(scan), startedAt: null, startedAtOurs: null, pages: 0, clients: 0 }
}

function fromItsStart(scan: Scan): Scan {
  return { ...scan, lastChanged: scan.from, checkPoint: null, tokens: noTokens, lastModifiedAt: null }
}

/** Where to read again for a client of a background page that another scan published since that scan began. Pure. */
export function recheckFrom(scan: Scan, modifiedAt: SourceTime | null, parts: ReadingParts): SourceTime {
  const { startedAt, from } = scan
  const isLong = scan.kind === 'backfill' || scan.kind === 'full' || scan.kind === 'republish'
  if (isLong && modifiedAt !== null && modifiedAt > from) return modifiedAt
  return startedAt === null ? from : reading(startedAt - parts.settings.overlapMs, parts)
}
