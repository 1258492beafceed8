import { earlierOf, type ScanSettings, type Times } from './scan-settings.ts'
import { CATCH_UP, HISTORY, isSameScan, LIVE, type ScanName, type ScanStates, scanNamed } from './scan-state.ts'

/** Says what the stream does next: it reads a page of this scan, which may begin with it, or waits. */
export type Turn = { readonly kind: 'read'; readonly scan: ScanName } | { readonly kind: 'wait'; readonly ms: number }

/** Holds what decides the turn and is not stored. Times are in ms of the monotonic clock. */
export interface ReaderState {
  /** The next live scan is due at this time. */
  readonly liveDueAt: number
  /** Counts the live pages since the last page of the background. */
  readonly livePagesInARow: number
  /** This scan of the background read last. */
  readonly lastBackground: ScanName | undefined
  /** Returns the time before which this scan makes no request. */
  readonly notBefore: (scan: ScanName) => number
}

export interface TurnParts {
  readonly settings: ScanSettings
  readonly times: Times
  /** The monotonic clock shows this. */
  readonly monotonicNow: number
  readonly readerState: ReaderState
}

const LIVE_PAGES = 4

/**
 * Decides what is read next. Live scans come first; after four live pages in a row the background gets one page, and
 * its scans take turns. Pure.
 */
export function nextTurn(scans: ScanStates, parts: TurnParts): Turn {
  const { settings, monotonicNow, readerState } = parts
  const due = dueScans(scans, parts)
  const ready = due.filter((scan) => readerState.notBefore(scan) <= monotonicNow)
  if (isHistoryFirst(scans, settings) && ready.some((scan) => isSameScan(scan, HISTORY)))
    return { kind: 'read', scan: HISTORY }
  const liveDueAt = Math.max(
    scans.live.scan === null ? readerState.liveDueAt : monotonicNow,
    readerState.notBefore(LIVE),
  )
  const isLiveDue = monotonicNow >= liveDueAt
  const background = ready.length === 0 ? undefined : nextInOrder(ready, readerState.lastBackground)
  if (isLiveDue && (background === undefined || readerState.livePagesInARow < LIVE_PAGES))
    return { kind: 'read', scan: LIVE }
  if (background !== undefined) return { kind: 'read', scan: background }
  const waits = [
    liveDueAt - monotonicNow,
    ...due.map((scan) => readerState.notBefore(scan) - monotonicNow),
    ...waitsUntilDue(scans, parts),
  ]
  return { kind: 'wait', ms: Math.max(1, Math.min(...waits)) }
}

/** Whether all other scans wait for the first history, while it can be read. */
function isHistoryFirst({ history }: ScanStates, { backfill }: ScanSettings) {
  return backfill === 'before' && history.state === 'first'
}

/** Returns the scans of the background that are in progress or due, in the order of their turns. */
function dueScans(scans: ScanStates, parts: TurnParts): readonly ScanName[] {
  const isInProgress = (scan: ScanName) => scanNamed(scans, scan) !== undefined
  const lookBacks = parts.settings.lookBacks.map(({ reachMs }): ScanName => ({ lane: 'look-back', reachMs }))
  return [
    ...(isInProgress(CATCH_UP) ? [CATCH_UP] : []),
    ...lookBacks.filter((scan) => isInProgress(scan) || lookBackDueInMs(scans, scan, parts) <= 0),
    ...(isInProgress(HISTORY) || historyDueInMs(scans, parts) <= 0 ? [HISTORY] : []),
  ]
}

function nextInOrder(names: readonly ScanName[], last: ScanName | undefined): ScanName | undefined {
  const order = [...names].sort((one, other) => rankOf(one) - rankOf(other))
  return order.find((scan) => last !== undefined && rankOf(scan) > rankOf(last)) ?? order[0]
}

/** Orders the background: catch-up, then look-backs by their reach, then the history. */
function rankOf({ lane, reachMs }: ScanName) {
  if (lane === 'history') return Number.POSITIVE_INFINITY
  return reachMs ?? 0
}

/** Returns how long it takes until each scan is due that is not in progress. */
function waitsUntilDue(scans: ScanStates, parts: TurnParts): number[] {
  const waits = [
    ...parts.settings.lookBacks.map(({ reachMs }) => lookBackDueInMs(scans, { lane: 'look-back', reachMs }, parts)),
    historyDueInMs(scans, parts),
  ]
  return waits.filter((ms) => ms > 0)
}

function lookBackDueInMs({ lookBacks }: ScanStates, { reachMs }: ScanName, { settings, times }: TurnParts) {
  const everyMs = settings.lookBacks.find((one) => one.reachMs === reachMs)?.everyMs
  const startedAt = lookBacks.find((one) => one.reachMs === reachMs)?.startedAt
  return everyMs === undefined || startedAt === undefined ? 0 : dueAgainInMs(startedAt, everyMs, times)
}

function historyDueInMs({ history }: ScanStates, { settings, times }: TurnParts) {
  if (history.state !== 'done') return 0
  if (settings.fullScan === undefined) return Number.POSITIVE_INFINITY
  return history.startedAt === null ? 0 : dueAgainInMs(history.startedAt, settings.fullScan.everyMs, times)
}

/**
 * Returns how long it takes until a scan is due again. It is due now if its start lies in the future, which a wrong
 * clock has stored.
 */
function dueAgainInMs(startedAt: number, everyMs: number, times: Times) {
  const now = earlierOf(times)
  return startedAt > now ? 0 : startedAt + everyMs - now
}
