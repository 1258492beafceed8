import type { ReadArguments, SourceTime } from '../source/client-source.ts'
import { noTimes, type ScanTimes } from './scan-times.ts'

/**
 * What a stream reads. `live`: what changes now. `catch-up`: live scans that take long. `look-back`: changes that become
 * visible late; a scan for each configured reach. `history`: everything.
 */
export const lanes = ['live', 'catch-up', 'look-back', 'history'] as const
export type Lane = (typeof lanes)[number]

/** Distinguishes the scans of a stream: at most one of each is in progress. */
export interface ScanName {
  readonly lane: Lane
  /** Of a look-back; null for all others. */
  readonly reachMs: number | null
}

export const LIVE: ScanName = { lane: 'live', reachMs: null }
export const CATCH_UP: ScanName = { lane: 'catch-up', reachMs: null }
export const HISTORY: ScanName = { lane: 'history', reachMs: null }

export const isSame = (one: ScanName, other: ScanName): boolean =>
  one.lane === other.lane && one.reachMs === other.reachMs

/** A scan in progress, with the arguments of its next request. */
export interface Scan extends ScanName, ReadArguments {
  /** Its place among all scans of the stream; another one with each request without a token. */
  readonly number: number
  /** Its first `lastChanged`. */
  readonly from: SourceTime
  /** When it began, in ms since 1970: see `startOf`. Null before its first page. */
  readonly startedAt: number | null
  readonly times: ScanTimes
  /** One page that it has read: see `scanStep`. */
  readonly seen: SeenPage | null
  /** Consecutive pages without a client. */
  readonly emptyPages: number
  /** It ended with an empty page after pages with clients, and has to ask for that page once more, or has done so. */
  readonly isEndAsked: boolean
  /** Since it began, or resumed. */
  readonly pages: number
  readonly clients: number
}

/** Brent's algorithm finds a cycle of pages with one remembered page. */
export interface SeenPage {
  /** Hashes of its token and of its clients; null: it had none. */
  readonly token: string
  readonly clients: string | null
  /** Pages until another page is remembered, and pages since the last one was. */
  readonly power: number
  readonly steps: number
}

/** What a scan knows before its first page. */
export const unread = {
  checkPoint: null,
  startedAt: null,
  times: noTimes,
  seen: null,
  emptyPages: 0,
  pages: 0,
  clients: 0,
} as const satisfies Partial<Scan>

/** What the checkpoint knows of one configured look-back. */
export interface LookBackState {
  readonly reachMs: number
  /** Start of its last scan that ended; before: the creation of the stream. */
  readonly startedAt: number
}

/** `first`: the first history has not ended. `again`: it is read again. */
export const historyStates = ['first', 'again', 'done'] as const

/** The history, which is read once, and again when an operator rewinds the stream or a full scan is due. */
export interface HistoryState {
  readonly state: (typeof historyStates)[number]
  /** Where it begins; null: at the configured beginning. */
  readonly from: SourceTime | null
  /** The rewind that has unchanged clients published, which their events name; null: none. */
  readonly republished: string | null
  /** Start of the last one that ended; null before. */
  readonly startedAt: number | null
}

/** What decides which scan reads next, and from where. Times in ms since 1970. */
export interface ScanStates {
  /** The earlier of the server's clock and ours at the stream's first response; null before. */
  readonly createdAt: number | null
  /** How many scans have begun, or begun again: their numbers. */
  readonly begun: number
  /** `startedAt`: start of the previous live scan, which ended or was handed over. */
  readonly live: { readonly startedAt: number | null; readonly scan: Scan | null }
  /** The scans in progress of the other lanes. */
  readonly background: readonly Scan[]
  readonly lookBacks: readonly LookBackState[]
  readonly history: HistoryState
}

/** Where a stream begins that has no configured beginning, or whose earlier beginning is not known. */
export const UNKNOWN_BEGINNING = '1900-01-01T00:00:00' as SourceTime

export const newScans: ScanStates = {
  createdAt: null,
  begun: 0,
  live: { startedAt: null, scan: null },
  background: [],
  lookBacks: [],
  history: { state: 'first', from: null, republished: null, startedAt: null },
}

export const inProgress = ({ live, background }: ScanStates): readonly Scan[] =>
  live.scan === null ? background : [live.scan, ...background]

export function scanNamed(states: ScanStates, name: ScanName): Scan | undefined {
  return inProgress(states).find((scan) => isSame(scan, name))
}

/** Replaces or adds the scan with this name. */
export function withScan(states: ScanStates, scan: Scan): ScanStates {
  if (scan.lane === 'live') return { ...states, live: { ...states.live, scan } }
  const { background } = withoutScan(states, scan)
  return { ...states, background: [...background, scan] }
}

export function withoutScan(states: ScanStates, name: ScanName): ScanStates {
  return name.lane === 'live'
    ? { ...states, live: { ...states.live, scan: null } }
    : { ...states, background: states.background.filter((scan) => !isSame(scan, name)) }
}

/** The states in which the scan takes the next number, for a request without a token. */
export function numbered(states: ScanStates, scan: Scan): ScanStates {
  const begun = states.begun + 1
  return withScan({ ...states, begun }, { ...scan, number: begun })
}
