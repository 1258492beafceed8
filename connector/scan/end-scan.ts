import type { SourceTime } from '../source/client-source.ts'
import { fromItsStart } from './begin-again.ts'
import { lookBackFrom, type ReadingParts, reading } from './begin-scan.ts'
import { earlier, isBackfillFirst, type ScanSettings, type Times } from './scan-settings.ts'
import {
  BACKFILL,
  FIRST_CONTINUED,
  FULL,
  LAST_TAG,
  LIVE,
  type LookBackState,
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
  if (scan.tag === BACKFILL) return { ...covered, backfill: { state: 'done', from: null, republished: null } }
  if (scan.tag === FULL)
    return { ...covered, fullDueAt: fullScan === undefined ? null : startedAtOurs + fullScan.everyMs }
  return covered
}

/**
 * A look-back is done by its own scan, and covered by a newer one that read from its beginning or before. If a clock was
 * wrong, it only reads more.
 */
function afterCover(state: LookBackState, scan: Scan, started: ReadingParts): LookBackState {
  const { settings, times } = started
  const everyMs = settings.lookBacks.find(({ reachMs }) => reachMs === state.reachMs)?.everyMs
  const isOwn = scan.reachMs === state.reachMs
  const isCovered = scan.from <= lookBackFrom(state, started) && earlier(times) >= state.startedAt
  if (everyMs === undefined || !(isOwn || isCovered)) return state
  return { ...state, startedAt: earlier(times), dueAt: times.ours + everyMs }
}

/**
 * What remains to be read again after a complete scan: nothing, if it began after the last client was found and read
 * from before all of them. Pure.
 */
export function recheckAfter(
  recheck: Recheck | null,
  { ordinal, from }: Pick<Scan, 'ordinal' | 'from'>,
): Recheck | null {
  return recheck !== null && ordinal > recheck.after && from <= recheck.from ? null : recheck
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

/** The states of an opened stream under the current settings. Pure. */
export function configured(states: ScanStates, settings: ScanSettings, times: Times): ScanStates {
  const lookBacks = settings.lookBacks.map(({ reachMs, everyMs }): LookBackState => {
    const known = states.lookBacks.find((one) => one.reachMs === reachMs)
    if (known !== undefined) return known
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
  return {
    ...states,
    lookBacks,
    fullDueAt: fullScan === undefined ? null : (states.fullDueAt ?? times.ours + fullScan.everyMs),
    background: states.background.filter(isConfigured).map((scan) => resumed(scan, states, settings)),
  }
}

/** Unless live scans wait for it, only a scan that this reader began can prove interleaving. */
function resumed(scan: Scan, states: ScanStates, settings: ScanSettings): Scan {
  const isAlone = isBackfillFirst(states, settings) && states.live.startedAt === null
  return states.interleaving === 'unknown' && !isAlone ? fromItsStart(scan) : scan
}

/**
 * Where to read again for a client of a background page that another scan published since that scan began: at its
 * modification time, so that the scan can return it; if that is unknown, where that scan began. Pure.
 */
export function recheckFrom(scan: Scan, modifiedAt: number | undefined, parts: ReadingParts): SourceTime {
  const { startedAt, from } = scan
  if (modifiedAt === undefined) return from
  const { overlapMs } = parts.settings
  return reading(Math.min(modifiedAt, startedAt ?? modifiedAt) - overlapMs, { ...parts, beginAt: from })
}
