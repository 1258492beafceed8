import type { CheckPoint, ReadArguments, SourceTime } from '../source/client-source.ts'
import { noTimes, type ScanOrder } from './scan-order.ts'
import { isDue } from './scan-settings.ts'

/**
 * Why pages are read: `live` for latency, `look-back` for late changes, `backfill` for history, `full` as a proof.
 */
export const scanKinds = ['live', 'look-back', 'backfill', 'full'] as const
export type ScanKind = (typeof scanKinds)[number]

/**
 * Distinguishes the scans in progress, 0 to 15. Look-backs and continued live scans have a range each.
 */
export type ScanTag = number
export const LIVE: ScanTag = 0
export const BACKFILL: ScanTag = 1
export const FULL: ScanTag = 2
export const RECHECK: ScanTag = 3
export const FIRST_LOOK_BACK: ScanTag = 4
export const FIRST_CONTINUED: ScanTag = 13
export const LAST_TAG: ScanTag = 15
export const MAX_LOOK_BACKS = FIRST_CONTINUED - FIRST_LOOK_BACK

/** Brent's algorithm finds a cycle of tokens with one remembered token. */
export interface TokenGuard {
  readonly token: CheckPoint | null
  /** Pages until another token is remembered, and pages since the last one was. */
  readonly power: number
  readonly steps: number
}

export const noTokens: TokenGuard = { token: null, power: 1, steps: 0 }

/** A scan in progress, with the arguments of its next request. Times in ms since 1970. */
export interface Scan extends ReadArguments {
  readonly kind: ScanKind
  readonly tag: ScanTag
  /** Its place among all scans of the stream, in the order in which they began. */
  readonly ordinal: number
  /** The reach of a configured look-back; null for all others. */
  readonly reachMs: number | null
  /** Its first `lastChanged`. */
  readonly from: SourceTime
  /**
   * Its place among all beginnings of scans: it takes another one with each request without a token. The client index
   * stores which one published an entry.
   */
  readonly number: number
  /** Start of its first response, by the server's clock and by ours; null before. */
  readonly startedAt: number | null
  readonly startedAtOurs: number | null
  /** No request before this time, by our clock: it failed or was stuck. */
  readonly notBefore: number
  readonly order: ScanOrder
  /** Whether it was resumed by a modification time. Then it is followed once by itself, from its start. */
  readonly hasResumed: boolean
  readonly isFollowUp: boolean
  /** `repeat`: it ended with an empty page after pages with clients, and the next request repeats that one. */
  readonly end: 'none' | 'repeat' | 'repeated'
  readonly tokens: TokenGuard
  /** Consecutive pages without a client. */
  readonly emptyPages: number
  /** Consecutive refusals of its token without progress. */
  readonly refusals: number
  /** Consecutive failures. */
  readonly failures: number
  /** How often it began again at its start. */
  readonly restarts: number
  readonly pages: number
  readonly clients: number
}

/** What a scan has read before its first page. */
export const unreadScan = {
  number: 0,
  checkPoint: null,
  startedAt: null,
  startedAtOurs: null,
  notBefore: 0,
  order: noTimes,
  hasResumed: false,
  isFollowUp: false,
  end: 'none',
  tokens: noTokens,
  emptyPages: 0,
  refusals: 0,
  failures: 0,
  restarts: 0,
  pages: 0,
  clients: 0,
} as const satisfies Partial<Scan>

export const LONGEST_PAUSE_MS = 3_600_000
/** How long after an empty last page that page is read again. */
export const END_AGAIN_MS = 60_000

/** Whether the scan makes no pause now. */
export function isReady(scan: Pausing, ours: number): boolean {
  return isDue(scan.notBefore, longestPauseMs(scan), ours)
}

type Pausing = Pick<Scan, 'notBefore' | 'end'>

/** A longer pause was stored by a clock that was wrong. A backfill that reads first keeps live scans waiting. */
const longestPauseMs = ({ end }: Pausing): number => (end === 'repeat' ? END_AGAIN_MS : LONGEST_PAUSE_MS)

/** What the checkpoint knows of one configured look-back. */
export interface LookBackState {
  readonly reachMs: number
  /** Start of its last completed scan, by the earlier of the server's clock and ours; before: the stream's creation. */
  readonly startedAt: number
  /** By our clock. */
  readonly dueAt: number
}

/** `first`: the first history has not ended. `again`: an operator has it read again. */
export const backfillStates = ['first', 'again', 'done'] as const

/** The history, which is read once, and again when an operator rewinds the stream. */
export interface Backfill {
  readonly state: (typeof backfillStates)[number]
  /** Where it begins; null: at the configured beginning. */
  readonly from: SourceTime | null
  /** The rewind that has unchanged clients published, which their events name; null: none. */
  readonly republished: string | null
}

/** What decides which scan reads next, and from where. */
export interface ScanStates {
  /** The earlier of the server's clock and ours at the stream's first response; null before. */
  readonly createdAt: number | null
  /** The earliest time from which a scan has read, also in an earlier life of the stream; null before the first one. */
  readonly earliest: SourceTime | null
  /** How many scans have begun, or begun again: their numbers. */
  readonly begun: number
  /** `startedAt`: start of the previous live scan, by the server's clock. */
  readonly live: { readonly startedAt: number | null; readonly scan: Scan | null }
  /** Background scans in progress, including suspended ones. */
  readonly background: readonly Scan[]
  readonly lookBacks: readonly LookBackState[]
  readonly backfill: Backfill
  /** By our clock; null while no full scan is configured. */
  readonly fullDueAt: number | null
  /** Whether the server keeps two scans of one caller apart; `serial`: it does not, so they run one after the other. */
  readonly interleaving: 'unknown' | 'proven' | 'serial'
}

/** Where a stream begins that has no configured beginning, or whose earlier beginning is not known. */
export const UNKNOWN_BEGINNING = '1900-01-01T00:00:00' as SourceTime

export const newScans: ScanStates = {
  createdAt: null,
  earliest: null,
  begun: 0,
  live: { startedAt: null, scan: null },
  background: [],
  lookBacks: [],
  backfill: { state: 'first', from: null, republished: null },
  fullDueAt: null,
  interleaving: 'unknown',
}

/**
 * Clients that a background scan returned with other content than another scan had published since it began. A scan
 * that begins later and reads from `from` decides which content is newer.
 */
export interface Recheck {
  readonly from: SourceTime
  /** How many scans of the stream had begun when the last of these clients was found. */
  readonly after: number
  /** By our clock, in ms since 1970. */
  readonly dueAt: number
}

/** The recheck begins this long after the last of these clients was found. */
export const RECHECK_AFTER_MS = 60_000

export function scanWith(states: ScanStates, tag: ScanTag): Scan | undefined {
  return tag === LIVE ? (states.live.scan ?? undefined) : states.background.find((scan) => scan.tag === tag)
}

/** The states in which the scan begins, or begins again, with its next request. */
export function numbered(states: ScanStates, scan: Scan): ScanStates {
  const begun = states.begun + 1
  return withScan({ ...states, begun }, { ...scan, number: begun })
}

/** Replaces or adds the scan with this tag. */
export function withScan(states: ScanStates, scan: Scan): ScanStates {
  if (scan.tag === LIVE) return { ...states, live: { ...states.live, scan } }
  const others = states.background.filter(({ tag }) => tag !== scan.tag)
  return { ...states, background: [...others, scan] }
}

export function withoutScan(states: ScanStates, tag: ScanTag): ScanStates {
  return tag === LIVE
    ? { ...states, live: { ...states.live, scan: null } }
    : { ...states, background: states.background.filter((scan) => scan.tag !== tag) }
}
