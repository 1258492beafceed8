import * as z from 'zod'
import { type CheckPoint, type SourceTime, sourceTimePattern } from '../source/client-source.ts'

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

export const isSameScan = (one: ScanName, other: ScanName): boolean =>
  one.lane === other.lane && one.reachMs === other.reachMs

const count = z.number().int().nonnegative()
/** In ms since 1970. */
const time = z.number()
export const sourceTime = z
  .string()
  .regex(sourceTimePattern)
  .transform((text) => text as SourceTime)

/** Brent's algorithm finds a cycle of pages with one remembered page. */
const seenPage = z.object({
  /** Hashes of its token and of its clients; null: it had none. */
  token: z.string(),
  clients: z.string().nullable(),
  /** Pages until another page is remembered, and pages since the last one was. */
  power: count,
  steps: count,
})

/** A scan in progress, with the arguments of its next request. */
const scan = z.object({
  lane: z.enum(lanes),
  reachMs: count.nullable(),
  /** Its place among all scans of the stream; another one with each request without a token. */
  number: count,
  /** Its first `lastChanged`. */
  from: sourceTime,
  lastChanged: sourceTime,
  checkPoint: z
    .string()
    .transform((text) => text as CheckPoint)
    .nullable(),
  limit: count,
  output: z.enum(['xml', 'json']),
  /** When it began: see `startOf`. Null before its first page. */
  startedAt: time.nullable(),
  /** Its modification times: how many distinct ones there were, and the last. Null: they decreased. */
  times: z.object({ distinct: count, last: sourceTime.nullable() }).nullable(),
  /** One page that it has read: see `scanStep`. */
  seen: seenPage.nullable(),
  /** Consecutive pages without a client. */
  emptyPages: count,
  /** It ended with an empty page after pages with clients, and asks for that page once more. */
  isEndAsked: z.boolean(),
  /** Since it began, or resumed. */
  pages: count,
  clients: count,
})

/** What the checkpoint knows of one configured look-back. `startedAt`: of its last scan that ended; before: of the stream. */
const lookBack = z.object({ reachMs: count, startedAt: time })

/** A rewind with `--republish`, until its history has ended. */
const republished = z.object({
  /** The rewind that events name. */
  id: z.string(),
  /** The history publishes a client again whose last event has a smaller number. */
  before: count,
  /** The stream has begun again: what its history finds may have been published by the index before. */
  isIndexNew: z.boolean(),
})

/** The history, which is read once, and again when an operator rewinds the stream or a full scan is due. */
const history = z.object({
  /** `first`: the first history has not ended. `again`: it is read again. */
  state: z.enum(['first', 'again', 'done']),
  /** Where it begins; null: at the configured beginning. */
  from: sourceTime.nullable(),
  /** Null: no rewind has asked for unchanged clients. */
  republished: republished.nullable(),
  /** Start of the last one that ended and had begun at the configured beginning or before; null: none. */
  startedAt: time.nullable(),
})

/** What decides which scan reads next, and from where. */
export const scanStates = z.object({
  /** The earlier of the server's clock and ours at the stream's first response; null before. */
  createdAt: time.nullable(),
  /** How many scans have begun, or begun again: their numbers. */
  begun: count,
  /** `startedAt`: start of the previous live scan, which ended or was handed over. */
  live: z.object({ startedAt: time.nullable(), scan: scan.nullable() }),
  /** The scans in progress of the other lanes. */
  background: z.array(scan).readonly(),
  lookBacks: z.array(lookBack).readonly(),
  history,
})

export type SeenPage = z.infer<typeof seenPage>
export type Scan = z.infer<typeof scan>
export type ScanTimes = Scan['times']
export type LookBackState = z.infer<typeof lookBack>
export type HistoryState = z.infer<typeof history>
export type Republication = z.infer<typeof republished>
export type ScanStates = z.infer<typeof scanStates>

export const noTimes: ScanTimes = { distinct: 0, last: null }

/** What a scan knows before its first page. */
export const unreadScan = {
  checkPoint: null,
  startedAt: null,
  times: noTimes,
  seen: null,
  emptyPages: 0,
  isEndAsked: false,
  pages: 0,
  clients: 0,
} as const satisfies Partial<Scan>

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

export const scansInProgress = ({ live, background }: ScanStates): readonly Scan[] =>
  live.scan === null ? background : [live.scan, ...background]

export function scanNamed(states: ScanStates, name: ScanName): Scan | undefined {
  return scansInProgress(states).find((scan) => isSameScan(scan, name))
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
    : { ...states, background: states.background.filter((scan) => !isSameScan(scan, name)) }
}

/** The states in which the scan takes the next number, for a request without a token. */
export function withNextNumber(states: ScanStates, scan: Scan): ScanStates {
  const begun = states.begun + 1
  return withScan({ ...states, begun }, { ...scan, number: begun })
}
