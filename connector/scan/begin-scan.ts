import type { SourceTime } from '../source/client-source.ts'
import { instantOf, smallestReading } from '../source/source-time.ts'
import { earlierOf, type ScanSettings, type Times } from './scan-settings.ts'
import {
  CATCH_UP,
  type HistoryState,
  type LookBackState,
  newScans,
  type Republication,
  type Scan,
  type ScanName,
  type ScanStates,
  scanNamed,
  unreadScan,
  withoutScan,
  withScan,
} from './scan-state.ts'
import { resumeTime } from './scan-step.ts'

/**
 * These functions say where scans begin, begin again and resume (docs/decisions/20261126-time-and-order.md). All are
 * pure.
 */
export interface BeginParts {
  readonly settings: ScanSettings
  /** The stream is configured to begin at this time: no scan but a rewound history reaches before it. */
  readonly beginAt: SourceTime
  readonly times: Times
}

/** Returns the scans with a new one, which takes its number with its first request. */
export function withNewScan(scans: ScanStates, name: ScanName, parts: BeginParts): ScanStates {
  const { limit, output } = parts.settings
  const isFullScan = name.lane === 'history' && scans.history.state === 'done'
  const history: HistoryState = isFullScan ? { ...scans.history, state: 'again' } : scans.history
  const from = beginningOf({ ...scans, history }, name, parts)
  const scan: Scan = { ...unreadScan, ...name, number: 0, from, lastChanged: from, limit, output }
  return withScan({ ...scans, history }, scan)
}

function beginningOf(scans: ScanStates, { lane, reachMs }: ScanName, parts: BeginParts): SourceTime {
  switch (lane) {
    case 'live':
    case 'catch-up':
      return liveBeginning(scans, parts)
    case 'look-back': {
      const now = earlierOf(parts.times)
      const startedAt = scans.lookBacks.find((one) => one.reachMs === reachMs)?.startedAt ?? now
      return smallestTextSince(Math.min(startedAt, now) - (reachMs ?? 0), parts)
    }
    case 'history':
      return scans.history.from ?? parts.beginAt
  }
}

/**
 * Returns where the next live scan begins. No clock moves it back by more than the longest reach: the look-backs read
 * the rest.
 */
function liveBeginning({ createdAt, live }: ScanStates, parts: BeginParts): SourceTime {
  const { settings, times } = parts
  const previous = live.startedAt ?? createdAt ?? earlierOf(times)
  const longestReachMs = Math.max(0, ...settings.lookBacks.map(({ reachMs }) => reachMs))
  return smallestTextSince(
    Math.max(Math.min(previous, times.server), previous - longestReachMs) - settings.overlapMs,
    parts,
  )
}

/** Neither clock is wrong by more than this. */
const CLOCK_MARGIN_MS = 3_600_000

/**
 * Returns the smallest text that a change made since the instant can carry, but none before the stream's beginning.
 * Reading again causes no duplicates, so doubts are resolved by reading from earlier.
 */
function smallestTextSince(instant: number, { settings, beginAt, times }: BeginParts): SourceTime {
  const latest = Math.max(times.ours, times.server, instant) + CLOCK_MARGIN_MS
  const smallest = smallestReading(instant, latest, settings.timeZone)
  return smallest < beginAt ? beginAt : smallest
}

/** Returns the scan as it begins again: as if it had read nothing. */
export function restartedScan(scan: Scan): Scan {
  return { ...scan, ...unreadScan, lastChanged: scan.from }
}

/**
 * Returns the scan as it goes on without its token. It resumes at the last of its times if they have shown an order,
 * and at its beginning otherwise.
 */
export function resumedScan(scan: Scan, parts: Omit<BeginParts, 'beginAt'>): Scan {
  const { settings } = parts
  const time = resumeTime(scan.times)
  if (time === null || scan.times === null) return restartedScan(scan)
  const instant = instantOf(time, settings.timeZone, 'earlier') - settings.overlapMs
  const lastChanged = smallestTextSince(instant, { ...parts, beginAt: scan.from })
  const { startedAt, clients } = scan
  // The scan reads again from before its last time; that must not count as a break of the order.
  const times = { ...scan.times, last: lastChanged }
  return { ...scan, ...unreadScan, startedAt, clients, times, lastChanged }
}

/** Returns how far a scan has come, by the modification times that it has read; undefined if it has read none. Pure. */
export function percentRead({ from, times }: Scan, now: number, timeZone: string): number | undefined {
  if (times === null || times.last === null) return undefined
  const start = instantOf(from, timeZone, 'earlier')
  const share = (instantOf(times.last, timeZone, 'earlier') - start) / (now - start)
  return Math.max(0, Math.min(99, Math.floor(100 * share)))
}

/**
 * Returns the scan after a rewind to this time, which skips nothing: it continues there, or where it would resume if
 * that is earlier. It still counts as begun where it began.
 */
export function rewoundScan(scan: Scan, to: SourceTime, parts: Omit<BeginParts, 'beginAt'>): Scan {
  const resumed = resumedScan(scan, parts)
  if (to >= resumed.lastChanged) return resumed
  const from = to < scan.from ? to : scan.from
  return { ...resumed, from, lastChanged: to, times: resumed.times && { ...resumed.times, last: to } }
}

/** Returns the scans of a stream that is opened under these settings. */
export function scansUnderSettings(scans: ScanStates, settings: ScanSettings, times: Times): ScanStates {
  const lookBacks = settings.lookBacks.map(({ reachMs }): LookBackState => {
    const lookBackState = scans.lookBacks.find((one) => one.reachMs === reachMs)
    return lookBackState ?? { reachMs, startedAt: scans.createdAt ?? earlierOf(times) }
  })
  const isConfigured = ({ reachMs }: Scan) => reachMs === null || lookBacks.some((one) => one.reachMs === reachMs)
  const { limit, output } = settings
  const withSettings = (scan: Scan): Scan =>
    scan.limit === limit && scan.output === output ? scan : { ...restartedScan(scan), limit, output }
  const { live, background } = scans
  return {
    ...scans,
    live: { ...live, scan: live.scan && withSettings(live.scan) },
    lookBacks,
    background: background.filter(isConfigured).map(withSettings),
  }
}

/** Returns the scans of a stream without their tokens, which another server does not know. */
export function scansWithoutTokens({ live, background, ...otherFields }: ScanStates): ScanStates {
  return { ...otherFields, live: { ...live, scan: null }, background: background.map(restartedScan) }
}

/** Returns the scans of a stream that begins again, with its first history at this time. */
export const newScansFrom = (from: SourceTime, republication: Republication): ScanStates => ({
  ...newScans,
  history: { ...newScans.history, from, republication },
})

/** Returns the scans after the last page of one, for a stream with this configured beginning. Pure. */
export function scansAfterEnd(scans: ScanStates, scan: Scan, beginAt: SourceTime): ScanStates {
  const { lane, reachMs, startedAt } = scan
  if (startedAt === null) throw new TypeError('a scan without a response is done')
  const otherScans = withoutScan(scans, scan)
  switch (lane) {
    case 'live':
      return { ...otherScans, live: { startedAt, scan: null } }
    case 'catch-up':
      return otherScans
    case 'look-back': {
      const lookBacks = otherScans.lookBacks.map((one) => (one.reachMs === reachMs ? { ...one, startedAt } : one))
      return { ...otherScans, lookBacks }
    }
    case 'history': {
      // After a rewind to a later time, this history has not read everything: the next full scan is due as before.
      const fullSince = scan.from <= beginAt ? startedAt : scans.history.startedAt
      return { ...otherScans, history: { state: 'done', from: null, republication: null, startedAt: fullSince } }
    }
  }
}

/**
 * Returns the scans of which the live one continues as catch-up, and the next live scan begins where it began. If the
 * lane has a scan already, that one begins again, at the earlier beginning of the two. Pure.
 */
export function scansAfterHandOver(scans: ScanStates, scan: Scan): ScanStates {
  const catchUpBefore = scanNamed(scans, CATCH_UP)
  const from = catchUpBefore !== undefined && catchUpBefore.from < scan.from ? catchUpBefore.from : scan.from
  const catchUp = catchUpBefore === undefined ? { ...scan, ...CATCH_UP } : restartedScan({ ...catchUpBefore, from })
  return withScan({ ...scans, live: { startedAt: scan.startedAt, scan: null } }, catchUp)
}
