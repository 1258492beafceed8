import type { SourceTime } from '../source/client-source.ts'
import { smallestReading } from '../source/source-time.ts'
import { earlier, longestReachMs, type ScanSettings, type Times } from './scan-settings.ts'
import {
  BACKFILL,
  FIRST_LOOK_BACK,
  FULL,
  LIVE,
  type LookBackState,
  RECHECK,
  type Scan,
  type ScanKind,
  type ScanStates,
  type ScanTag,
  unreadScan,
  withScan,
} from './scan-state.ts'

/** Which scan begins. */
export type Beginning =
  | { readonly kind: 'live' | 'backfill' | 'full' }
  | { readonly kind: 'look-back'; readonly reachMs: number }
  | { readonly kind: 'recheck'; readonly from: SourceTime }

export interface BeginParts {
  readonly settings: ScanSettings
  /** The stream's configured beginning: no scan reaches before it. */
  readonly beginAt: SourceTime
  readonly times: Times
}

/** The states with a new scan. Pure. */
export function beginScan(
  states: ScanStates,
  beginning: Beginning,
  parts: BeginParts,
): { states: ScanStates; tag: ScanTag } {
  const begun = states.begun + 1
  const begin = (of: NewScan, before = states) => ({
    states: {
      ...withScan(before, newScan({ ...of, ordinal: begun }, parts)),
      earliest: earlierOf(before.earliest, of.from),
      begun,
    },
    tag: of.tag,
  })
  switch (beginning.kind) {
    case 'live': {
      const { from, isLimited } = liveFrom(states, parts)
      return begin({ kind: 'live', tag: LIVE, from }, isLimited ? withLongestDue(states, parts) : states)
    }
    case 'look-back': {
      const { reachMs } = beginning
      const startedAt = states.lookBacks.find((one) => one.reachMs === reachMs)?.startedAt ?? earlier(parts.times)
      const from = lookBackFrom({ reachMs, startedAt }, parts)
      return begin({ kind: 'look-back', tag: lookBackTag(reachMs, parts.settings), from, reachMs })
    }
    case 'recheck':
      return begin({ kind: 'look-back', tag: RECHECK, from: beginning.from })
    case 'backfill':
      return begin({ kind: 'backfill', tag: BACKFILL, from: states.backfill.from ?? parts.beginAt })
    case 'full':
      return begin({ kind: 'full', tag: FULL, from: parts.beginAt })
  }
}

const earlierOf = (earliest: SourceTime | null, from: SourceTime) =>
  earliest !== null && earliest < from ? earliest : from

interface NewScan {
  readonly kind: ScanKind
  readonly tag: ScanTag
  readonly from: SourceTime
  readonly reachMs?: number
}

function newScan(
  { kind, tag, from, reachMs, ordinal }: NewScan & Pick<Scan, 'ordinal'>,
  { settings: { limit, output } }: BeginParts,
): Scan {
  return {
    ...unreadScan,
    kind,
    tag,
    ordinal,
    reachMs: reachMs ?? null,
    from,
    lastChanged: from,
    limit,
    output,
  }
}

/** No clock moves a live scan back by more than the longest reach: the rest is read in the background. */
function liveFrom({ createdAt, live }: ScanStates, parts: BeginParts): { from: SourceTime; isLimited: boolean } {
  const { settings, times } = parts
  const previous = live.startedAt ?? createdAt ?? earlier(times)
  const wanted = Math.min(previous, times.server) - settings.overlapMs
  const least = previous - longestReachMs(settings) - settings.overlapMs
  return { from: reading(Math.max(wanted, least), parts), isLimited: wanted < least }
}

function withLongestDue(states: ScanStates, { times }: BeginParts): ScanStates {
  const longest = Math.max(...states.lookBacks.map(({ reachMs }) => reachMs))
  const due = (state: LookBackState) => (state.reachMs === longest ? { ...state, dueAt: times.ours } : state)
  return { ...states, lookBacks: states.lookBacks.map(due) }
}

/** Reads from the start of its last completed scan, or from an earlier clock, minus the reach and the overlap. */
export function lookBackFrom(
  { reachMs, startedAt }: Pick<LookBackState, 'reachMs' | 'startedAt'>,
  parts: ReadingParts,
): SourceTime {
  // The overlap covers pages that were read but not yet processed when that scan began.
  return reading(Math.min(startedAt, earlier(parts.times)) - reachMs - parts.settings.overlapMs, parts)
}

export type ReadingParts = Pick<BeginParts, 'settings' | 'beginAt' | 'times'>

/** An upper bound of the error of both clocks. */
const CLOCK_MARGIN_MS = 3_600_000

/**
 * The smallest text that a change made since the instant can carry, but not before the stream's beginning. Reading
 * again causes no duplicates, so doubts are resolved by reading from earlier.
 */
export function reading(instant: number, { settings, beginAt, times }: ReadingParts): SourceTime {
  const latest = Math.max(times.ours, times.server, instant) + CLOCK_MARGIN_MS
  const smallest = smallestReading(instant, latest, settings.timeZone)
  return smallest < beginAt ? beginAt : smallest
}

function lookBackTag(reachMs: number, { lookBacks }: ScanSettings): ScanTag {
  const at = lookBacks.findIndex((one) => one.reachMs === reachMs)
  return FIRST_LOOK_BACK + Math.max(0, at)
}
