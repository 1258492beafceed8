import type { ScanCounts } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { positionOf, shareDone } from '../scan/scan-order.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import type { LookBackState, Scan, ScanKind, ScanStates, ScanTag } from '../scan/scan-state.ts'

/** What telemetry must know of the settings of a stream. */
export type WatchedPolling = Pick<ScanSettings, 'intervalMs' | 'maxIntervalMs' | 'lookBacks' | 'timeZone'>

/** The scans of a stream after the last delivered page group, and what this replica saw first of those in progress. */
export interface WatchedScans {
  readonly states: ScanStates
  readonly firstSeen: ReadonlyMap<ScanTag, FirstSeen>
}

/** `at` is of `Clock.monotonic`. */
interface FirstSeen {
  readonly at: number
  readonly startedAt: number | null
  readonly clients: number
}

/** A background scan in progress, as `/status` shows it. */
export interface ScanReport {
  readonly scan: ScanKind
  /** Of a configured look-back. */
  readonly reachSeconds?: number
  readonly from: string
  readonly pages: number
  readonly clients: number
  /** Since this replica has been running it. */
  readonly clientsPerSecond: number
  /** Modification time that it has reached, if that field is mapped. */
  readonly position?: string
  /** From its beginning to now, by modification time. */
  readonly donePercent?: number
  /** How long it makes no request after a failure. */
  readonly pausedSeconds?: number
}

interface LookBackReport {
  readonly reachSeconds: number
  /** Negative: overdue. */
  readonly dueInSeconds: number
  readonly isBehind: boolean
}

/** The clients of a page group with this outcome, of all scans. */
export function clientsOf(
  scans: ReadonlyMap<ScanKind, ScanCounts>,
  outcome: 'events' | 'suppressed' | 'superseded',
): number {
  return [...scans.values()].reduce((sum, counts) => sum + counts[outcome], 0)
}

type Now = Pick<Clock, 'now' | 'monotonic'>

export function watchedScans(before: WatchedScans | undefined, states: ScanStates, at: number): WatchedScans {
  const firstSeen = states.background.map(({ tag, startedAt, clients }): [ScanTag, FirstSeen] => {
    const known = before?.firstSeen.get(tag)
    return [tag, known?.startedAt === startedAt ? known : { at, startedAt, clients }]
  })
  return { states, firstSeen: new Map(firstSeen) }
}

export function scanReports({ states, firstSeen }: WatchedScans, poll: WatchedPolling, clock: Now): ScanReport[] {
  return states.background.map((scan) => ({
    scan: scan.kind,
    ...(scan.reachMs === null ? {} : { reachSeconds: scan.reachMs / 1000 }),
    from: scan.from,
    pages: scan.pages,
    clients: scan.clients,
    clientsPerSecond: rate(scan, firstSeen.get(scan.tag), clock.monotonic()),
    ...positionIn(scan, poll, clock.now()),
    ...(isPaused(scan, clock.now()) ? { pausedSeconds: seconds(scan.notBefore - clock.now()) } : {}),
  }))
}

const isPaused = ({ notBefore }: Scan, now: number): boolean => notBefore > now

function rate({ clients }: Scan, first: FirstSeen | undefined, now: number): number {
  if (first === undefined || now <= first.at) return 0
  return Math.max(0, Math.round(((clients - first.clients) / (now - first.at)) * 10_000) / 10)
}

function positionIn(
  scan: Scan,
  { timeZone }: WatchedPolling,
  now: number,
): Pick<ScanReport, 'position' | 'donePercent'> {
  const share = shareDone(scan, now, timeZone)
  const position = positionOf(scan.order)
  if (position === null || share === undefined) return {}
  return { position, donePercent: Math.floor(share * 100) }
}

export function lookBackReports({ states }: WatchedScans, poll: WatchedPolling, clock: Now): LookBackReport[] {
  return states.lookBacks.map((lookBack) => ({
    reachSeconds: lookBack.reachMs / 1000,
    dueInSeconds: seconds(lookBack.dueAt - clock.now()),
    isBehind: isBehind(lookBack, poll, clock.now()),
  }))
}

const LEAST_BEHIND_MS = 600_000

/** It has been due for more than two of its periods, and for more than ten minutes. */
function isBehind({ reachMs, dueAt }: LookBackState, { lookBacks }: WatchedPolling, now: number): boolean {
  const everyMs = lookBacks.find((one) => one.reachMs === reachMs)?.everyMs
  return everyMs !== undefined && now - dueAt > Math.max(2 * everyMs, LEAST_BEHIND_MS)
}

const seconds = (ms: number) => Math.round(ms) / 1000

export const isLong = (scan: ScanKind) => scan === 'backfill' || scan === 'full'
