import * as z from 'zod'
import { type CheckPoint, type SourceTime, sourceTimePattern } from '../source/client-source.ts'

/**
 * A stream reads in these lanes (docs/decisions/20261126-scans.md). `live` reads what changes now, `catch-up` continues
 * live scans that take long, and `history` reads everything. `look-back` finds changes that become visible late, with a
 * scan for each configured reach.
 */
export const lanes = ['live', 'catch-up', 'look-back', 'history'] as const
export type Lane = (typeof lanes)[number]

/** Distinguishes the scans of a stream. At most one scan with each name is in progress. */
export interface ScanName {
  readonly lane: Lane
  /** A look-back reads from this long before the start of its last run. It is null for the other lanes. */
  readonly reachMs: number | null
}

export const LIVE: ScanName = { lane: 'live', reachMs: null }
export const CATCH_UP: ScanName = { lane: 'catch-up', reachMs: null }
export const HISTORY: ScanName = { lane: 'history', reachMs: null }

export const isSameScan = (one: ScanName, other: ScanName): boolean =>
  one.lane === other.lane && one.reachMs === other.reachMs

const wholeNumber = z.number().int().nonnegative()
/** Times are in ms since 1970. */
const time = z.number()
export const sourceTime = z
  .string()
  .regex(sourceTimePattern)
  .transform((text) => text as SourceTime)

/** The scan remembers this page: Brent's algorithm needs one page to find that pages come in a cycle. */
const seenPage = z.object({
  /** These are hashes of its token and of its clients; null if it had no clients. */
  token: z.string(),
  clients: z.string().nullable(),
  /** `power` pages after it another page is remembered; `steps` counts the pages since. */
  power: wholeNumber,
  steps: wholeNumber,
})

/** A scan in progress has the arguments of its next request, and what it has read so far. */
const scan = z.object({
  lane: z.enum(lanes),
  reachMs: wholeNumber.nullable(),
  /** Orders the scans of a stream. A scan gets another number with each request without a token. */
  number: wholeNumber,
  /** The scan began at this `lastChanged`. */
  from: sourceTime,
  lastChanged: sourceTime,
  checkPoint: z
    .string()
    .transform((text) => text as CheckPoint)
    .nullable(),
  /** Each request asks for at most this number of clients. */
  limit: wholeNumber,
  /** Each request asks for a response in this format. */
  output: z.enum(['xml', 'json']),
  /** The scan began at this time, see `startOf`; null before its first page. */
  startedAt: time.nullable(),
  /**
   * Counts the distinct modification times that it has read, and keeps the last one. It is null once times have
   * decreased.
   */
  times: z.object({ distinct: wholeNumber, last: sourceTime.nullable() }).nullable(),
  /** One of its pages is remembered, see `scanStep`. */
  seenPage: seenPage.nullable(),
  /** Counts the pages without clients since the last one with some. */
  emptyPages: wholeNumber,
  /** Whether its last page was empty after pages with clients, so that it asks for that page once more. */
  isEndAskedAgain: z.boolean(),
  /** `pages` counts since the scan began or resumed, `clients` since it began. */
  pages: wholeNumber,
  clients: wholeNumber,
})

/**
 * The checkpoint keeps this of each configured look-back. `startedAt` is the start of its last scan that ended, and
 * before that the start of the stream.
 */
const lookBack = z.object({ reachMs: wholeNumber, startedAt: time })

/** The checkpoint keeps this of a rewind with `--republish`, until its history has ended. */
const republicationSchema = z.object({
  /** Events name this rewind. */
  id: z.string(),
  /** The history publishes a client again whose last event has a smaller number. */
  beforeEvent: wholeNumber,
  /** Whether the stream has begun again, so that the index before may have published what the history finds. */
  isIndexNew: z.boolean(),
})

/** The history is read once, and again when an operator rewinds the stream or a full scan is due. */
const history = z.object({
  /** It is `first` until the first history has ended, and `again` while it is read again. */
  state: z.enum(['first', 'again', 'done']),
  /** It begins at this time; null means the configured beginning. */
  from: sourceTime.nullable(),
  /** It is null unless a rewind has asked for unchanged clients. */
  republication: republicationSchema.nullable(),
  /**
   * The last full history started at this time: one that has ended, and began no later than configured. It is null if
   * there was none.
   */
  startedAt: time.nullable(),
})

/** The states of all scans of a stream decide which one reads next, and from where. */
export const scanStates = z.object({
  /**
   * The stream got its first response at this time, by the server's clock or ours, whichever is earlier; null before.
   */
  createdAt: time.nullable(),
  /** Counts the scans that have begun, or begun again. The newest has this number. */
  lastScanNumber: wholeNumber,
  /** `startedAt` is the start of the previous live scan, which ended or was handed over. */
  live: z.object({ startedAt: time.nullable(), scan: scan.nullable() }),
  /** These are the scans in progress of the other lanes. */
  background: z.array(scan).readonly(),
  lookBacks: z.array(lookBack).readonly(),
  history,
})

export type SeenPage = z.infer<typeof seenPage>
export type Scan = z.infer<typeof scan>
export type ScanTimes = Scan['times']
export type LookBackState = z.infer<typeof lookBack>
export type HistoryState = z.infer<typeof history>
export type Republication = z.infer<typeof republicationSchema>
export type ScanStates = z.infer<typeof scanStates>

export const noTimes: ScanTimes = { distinct: 0, last: null }

/** A scan knows only this before its first page. */
export const unreadScan = {
  checkPoint: null,
  startedAt: null,
  times: noTimes,
  seenPage: null,
  emptyPages: 0,
  isEndAskedAgain: false,
  pages: 0,
  clients: 0,
} as const satisfies Partial<Scan>

/** A stream begins here if it has no configured beginning, or if its earlier beginning is not known. */
export const UNKNOWN_BEGINNING = '1900-01-01T00:00:00' as SourceTime

export const newScans: ScanStates = {
  createdAt: null,
  lastScanNumber: 0,
  live: { startedAt: null, scan: null },
  background: [],
  lookBacks: [],
  history: { state: 'first', from: null, republication: null, startedAt: null },
}

export const scansInProgress = ({ live, background }: ScanStates): readonly Scan[] =>
  live.scan === null ? background : [live.scan, ...background]

export function scanNamed(scans: ScanStates, name: ScanName): Scan | undefined {
  return scansInProgress(scans).find((scan) => isSameScan(scan, name))
}

/** Replaces or adds the scan with this name. */
export function withScan(scans: ScanStates, scan: Scan): ScanStates {
  if (scan.lane === 'live') return { ...scans, live: { ...scans.live, scan } }
  const { background } = withoutScan(scans, scan)
  return { ...scans, background: [...background, scan] }
}

export function withoutScan(scans: ScanStates, name: ScanName): ScanStates {
  return name.lane === 'live'
    ? { ...scans, live: { ...scans.live, scan: null } }
    : { ...scans, background: scans.background.filter((scan) => !isSameScan(scan, name)) }
}

/** Returns the scans of which this one has the next number, for a request without a token. */
export function withNextNumber(scans: ScanStates, scan: Scan): ScanStates {
  const lastScanNumber = scans.lastScanNumber + 1
  return withScan({ ...scans, lastScanNumber }, { ...scan, number: lastScanNumber })
}
