import type { Beginning } from './begin-scan.ts'
import { isBackfillFirst, isDue, type ScanSettings, type Times } from './scan-settings.ts'
import {
  BACKFILL,
  FULL,
  isReady,
  LIVE,
  RECHECK,
  RECHECK_AFTER_MS,
  type Recheck,
  type Scan,
  type ScanStates,
  type ScanTag,
} from './scan-state.ts'

/** What the stream does next. */
export type Choice =
  | { readonly kind: 'read'; readonly tag: ScanTag }
  | { readonly kind: 'begin'; readonly scan: Beginning }
  /** How long nothing is due. */
  | { readonly kind: 'wait'; readonly ms: number }

/** What was read lately; not stored. Times in ms of the monotonic clock. */
export interface Workload {
  /** When the next live scan is due. */
  readonly liveDueAt: number
  /** Total duration of the live requests since the last background page. */
  readonly liveMs: number
  /** The last background page; undefined before the first. */
  readonly background: { readonly endedAt: number; readonly tookMs: number } | undefined
  /** Since when each background scan waits for a page, by its name. */
  readonly waitingSince: ReadonlyMap<string, number>
}

export interface SchedulerParts {
  readonly settings: ScanSettings
  readonly recheck: Recheck | null
  readonly times: Times
  /** By the monotonic clock. */
  readonly now: number
  readonly load: Workload
}

/**
 * While live scans are always due, background scans get a fifth of the time, half of it the one that waited longest.
 */
const FLOOR = 4
const LONGEST_WAIT = 9

/** A background scan that could read now: one in progress, or one that is due. */
export interface Candidate {
  readonly name: string
  readonly choice: Exclude<Choice, { kind: 'wait' }>
}

/** Which scan reads next: live first, background scans within their share. Pure. */
export function nextChoice(states: ScanStates, parts: SchedulerParts): Choice {
  const { settings, now, load } = parts
  const unproven = unprovenScan(states, parts)
  if (unproven !== undefined) return { kind: 'read', tag: unproven.tag }
  const live = liveChoice(states, parts)
  const candidates = backgroundCandidates(states, parts)
  const background = candidates.length === 0 ? undefined : fairest(candidates, parts)
  if (live !== undefined) {
    const isStarved = load.liveMs > 0 && load.liveMs >= FLOOR * (load.background?.tookMs ?? 0)
    return background !== undefined && isStarved ? background.choice : live
  }
  const isFirst = isBackfillFirst(states, settings)
  const isAlone = isFirst || isSeriallyRunning(states)
  const shareAt = isAlone ? now : nextBackgroundAt(load, settings.backgroundShare)
  if (background !== undefined && now >= shareAt) return background.choice
  const waits = [...dueIn(states, parts), ...(background === undefined ? [] : [shareAt - now])]
  if (!isFirst && load.liveDueAt > now) waits.push(load.liveDueAt - now)
  return { kind: 'wait', ms: Math.max(1, Math.min(...waits)) }
}

/** Until interleaving is proven, a background scan reads its second page, which can prove it, before any live scan. */
function unprovenScan({ interleaving, background }: ScanStates, { times }: SchedulerParts): Scan | undefined {
  return interleaving === 'unknown'
    ? background.find((scan) => isRunning(scan) && scan.tokens.token === scan.checkPoint && isReady(scan, times.ours))
    : undefined
}

function liveChoice(states: ScanStates, { settings, times, now, load }: SchedulerParts): Choice | undefined {
  const { scan } = states.live
  if (isBackfillFirst(states, settings) || isSeriallyRunning(states)) return undefined
  if (scan !== null) return isReady(scan, times.ours) ? { kind: 'read', tag: LIVE } : undefined
  return now >= load.liveDueAt ? { kind: 'begin', scan: { kind: 'live' } } : undefined
}

/** Live scans wait for a background scan, which makes no pauses. */
const isSeriallyRunning = ({ interleaving, background }: ScanStates) =>
  interleaving === 'serial' && background.some(isRunning)

/** It has read a page and waits for the next one. */
const isRunning = ({ checkPoint }: Scan) => checkPoint !== null

/** By priority: continued live scans, look-backs (shortest first), recheck, backfill, full scan. */
export function backgroundCandidates(states: ScanStates, parts: SchedulerParts): Candidate[] {
  const isSerial = states.interleaving === 'serial'
  if (isSerial && states.live.scan !== null) return []
  const due = dueScans(states, parts)
  const candidates = due.flatMap(({ name, scan, beginning }): Candidate[] => {
    // Invariant 3: none begins, or begins again, in the middle of a live scan, whose pages may then be older.
    const mayBegin = states.live.scan === null
    if (scan === undefined)
      return mayBegin && beginning !== undefined ? [{ name, choice: { kind: 'begin', scan: beginning } }] : []
    const mayRead = isReady(scan, parts.times.ours) && (mayBegin || isRunning(scan))
    return mayRead ? [{ name, choice: { kind: 'read', tag: scan.tag } }] : []
  })
  const running = isSerial ? states.background.find(isRunning) : undefined
  return running === undefined ? candidates : candidates.filter(({ choice }) => isRead(choice, running.tag))
}

const isRead = (choice: Choice, tag: ScanTag) => choice.kind === 'read' && choice.tag === tag

/** Distinguishes the background scans that wait for a page. */
export function scanName({ kind, tag, reachMs }: Pick<Scan, 'kind' | 'tag' | 'reachMs'>): string {
  return reachMs === null ? `${kind} ${tag}` : `${kind} ${reachMs}`
}

interface DueScan {
  readonly name: string
  readonly scan: Scan | undefined
  readonly beginning: Beginning | undefined
}

function dueScans(states: ScanStates, { settings, recheck, times }: SchedulerParts): DueScan[] {
  const { background, backfill, fullDueAt } = states
  const withTag = (tag: ScanTag) => background.find((scan) => scan.tag === tag)
  const continued = background.filter(({ kind }) => kind === 'live')
  const lookBacks = settings.lookBacks.map(({ reachMs, everyMs }): DueScan => {
    const state = states.lookBacks.find((one) => one.reachMs === reachMs)
    const mayBegin = state !== undefined && isDue(state.dueAt, everyMs, times.ours)
    const scan = background.find((one) => one.reachMs === reachMs)
    return {
      name: scanName({ kind: 'look-back', tag: 0, reachMs }),
      scan,
      beginning: mayBegin ? { kind: 'look-back', reachMs } : undefined,
    }
  })
  const isRecheckDue =
    recheck !== null &&
    isDue(recheck.dueAt, RECHECK_AFTER_MS, times.ours) &&
    !background.some((scan) => isReady(scan, times.ours))
  const fullEveryMs = settings.fullScan?.everyMs ?? 0
  const isFullDue = fullDueAt !== null && isDue(fullDueAt, fullEveryMs, times.ours) && backfill.state === 'done'
  const full = {
    name: scanName({ kind: 'full', tag: FULL, reachMs: null }),
    scan: withTag(FULL),
    beginning: isFullDue ? ({ kind: 'full' } as const) : undefined,
  }
  const backfillScan: DueScan = {
    name: scanName({ kind: 'backfill', tag: BACKFILL, reachMs: null }),
    scan: withTag(BACKFILL),
    beginning: backfill.state !== 'done' ? { kind: 'backfill' } : undefined,
  }
  // It covers all others.
  if (isBackfillFirst(states, settings)) return [backfillScan]
  return [
    ...continued.map((scan) => ({ name: scanName(scan), scan, beginning: undefined })),
    ...lookBacks,
    {
      name: scanName({ kind: 'look-back', tag: RECHECK, reachMs: null }),
      scan: withTag(RECHECK),
      beginning: isRecheckDue ? { kind: 'recheck', from: recheck.from } : undefined,
    },
    backfillScan,
    full,
  ]
}

/** The first by priority, but the one that has waited longest gets its part of the time. */
function fairest(candidates: readonly Candidate[], { now, load }: SchedulerParts): Candidate {
  const waited = ({ name }: Candidate) => now - (load.waitingSince.get(name) ?? now)
  const [first] = candidates
  const longest = candidates.toSorted((left, right) => waited(right) - waited(left))[0]
  if (first === undefined || longest === undefined) throw new TypeError('no candidate')
  const isDue = waited(longest) >= LONGEST_WAIT * (load.background?.tookMs ?? 0)
  return isDue && waited(longest) > waited(first) ? longest : first
}

function nextBackgroundAt({ background }: Workload, share: number): number {
  return background === undefined ? 0 : background.endedAt + (background.tookMs * (1 - share)) / share
}

const MINUTE_MS = 60_000

/** How long until something becomes due by our clock. */
function dueIn(states: ScanStates, { settings, recheck, times }: SchedulerParts): number[] {
  const { live, background, lookBacks, fullDueAt } = states
  const scans = live.scan === null ? background : [...background, live.scan]
  const instants = [
    ...lookBacks.map(({ dueAt }) => dueAt),
    ...scans.map(({ notBefore }) => notBefore),
    ...(recheck === null ? [] : [recheck.dueAt]),
  ].filter((instant) => instant > times.ours)
  const waits = instants.map((instant) => instant - times.ours)
  // The hours of a full scan are looked at once a minute.
  return fullDueAt === null ? [settings.intervalMs, ...waits] : [settings.intervalMs, MINUTE_MS, ...waits]
}
