import { hash } from 'node:crypto'
import type { Page, SourceTime } from '../source/client-source.ts'
import { earlierOf, type Times } from './scan-settings.ts'
import type { Lane, Scan, ScanTimes, SeenPage } from './scan-state.ts'

/** Says where a page leads. */
export type Step =
  | { readonly kind: 'more' | 'done'; readonly scan: Scan }
  /** The scan asks for its last page once more, a minute later: an empty one after clients may hide an error. */
  | { readonly kind: 'end-in-doubt'; readonly scan: Scan }
  | { readonly kind: 'stuck'; readonly why: string }

/** Tells a client from others, and from itself after a change. */
export interface SeenClient {
  readonly key: string
  readonly contentHash: string
  /** It is undefined if the time is not known. */
  readonly modified?: Modified | undefined
}

/** Holds a page, and what is known of it. */
export interface ArrivedPage {
  readonly page: Pick<Page, 'hasMoreResults' | 'checkPoint'>
  readonly clients: readonly SeenClient[]
  /** The clocks showed this when its response began. */
  readonly responseBeganAt: Times
  /** The clocks that set modification times may be behind the server's by this much. */
  readonly overlapMs: number
}

/**
 * Decides where a page leads. Only `hasMoreResults` ends a scan. It is stuck if a token or the same clients come again,
 * if there is no token, or after too many empty pages. Pure.
 */
export function scanStep(scan: Scan, { page, clients, responseBeganAt, overlapMs }: ArrivedPage): Step {
  const startedAt = scan.startedAt ?? startOf(scan.lane, responseBeganAt)
  const scanAfterPage: Scan = {
    ...scan,
    startedAt,
    times: timesAfter(scan.times, clients, startedAt - overlapMs),
    pages: scan.pages + 1,
    clients: scan.clients + clients.length,
    emptyPages: clients.length === 0 ? scan.emptyPages + 1 : 0,
  }
  // The scan has asked for its empty last page again, and that page promises more: so the question is open again.
  const isEndAskedAgain = scan.isEndAskedAgain && scan.emptyPages === 0
  if (page.hasMoreResults) return stepToNextPage({ ...scanAfterPage, isEndAskedAgain }, page.checkPoint, clients)
  const isInDoubt =
    scan.lane === 'history' && clients.length === 0 && scanAfterPage.clients > 0 && !scan.isEndAskedAgain
  return isInDoubt
    ? { kind: 'end-in-doubt', scan: { ...scanAfterPage, isEndAskedAgain: true } }
    : { kind: 'done', scan: scanAfterPage }
}

/**
 * Returns when a scan began. Live scans follow the server's clock; look-backs and histories take the server's clock or
 * ours, whichever is earlier.
 */
function startOf(lane: Lane, responseBeganAt: Times) {
  return lane === 'live' || lane === 'catch-up' ? responseBeganAt.server : earlierOf(responseBeganAt)
}

const MAX_EMPTY_PAGES = 100
const OTHER_PAGING = 'the paging of this server is not the documented one'

function stepToNextPage(scan: Scan, checkPoint: Page['checkPoint'], clients: readonly SeenClient[]): Step {
  if (checkPoint === null) return { kind: 'stuck', why: 'there is no checkPoint' }
  const contents = clients.map(({ key, contentHash }) => key + contentHash).join('')
  const thisPage = { token: hashOf(checkPoint), clients: contents === '' ? null : hashOf(contents) }
  const isSeenToken = checkPoint === scan.checkPoint || thisPage.token === scan.seenPage?.token
  if (isSeenToken) return { kind: 'stuck', why: `this scan has already had the same checkPoint: ${OTHER_PAGING}` }
  if (thisPage.clients !== null && thisPage.clients === scan.seenPage?.clients)
    return { kind: 'stuck', why: `this scan has already had the same clients: ${OTHER_PAGING}` }
  if (scan.emptyPages >= MAX_EMPTY_PAGES)
    return { kind: 'stuck', why: `${scan.emptyPages} pages in a row have no clients` }
  // Invariant 5: within a scan, only the token changes.
  return { kind: 'more', scan: { ...scan, checkPoint, seenPage: rememberedPage(scan.seenPage, thisPage) } }
}

const hashOf = (text: string) => hash('sha1', text, 'base64url')

/** Returns the page to remember next. A cycle of any length is found after at most three times as many pages. */
function rememberedPage(seenPage: SeenPage | null, page: Pick<SeenPage, 'token' | 'clients'>): SeenPage {
  if (seenPage === null) return { ...page, power: 2, steps: 0 }
  return seenPage.steps + 1 === seenPage.power
    ? { ...page, power: seenPage.power * 2, steps: 0 }
    : { ...seenPage, steps: seenPage.steps + 1 }
}

/** Fewer distinct times may come in order by chance. */
const ENOUGH_TIMES = 100

/** Holds the modification time of a client, as far as it is known. */
export interface Modified {
  /** This time is in ms since 1970. */
  readonly instant: number
  readonly wallClock: SourceTime
  readonly hasTimeOfDay: boolean
}

/**
 * Returns the times of a scan after those of a page. A time after `latest` does not count, since that change may have
 * been made while the scan read. Pure.
 */
export function timesAfter(
  times: ScanTimes,
  page: readonly { readonly modified?: Modified | undefined }[],
  latest: number,
): ScanTimes {
  if (times === null) return null
  let { distinct, last } = times
  for (const { modified } of page) {
    if (modified?.hasTimeOfDay !== true || modified.instant > latest) continue
    const time = modified.wallClock
    if (last !== null && time < last) return null
    if (time !== last) distinct = Math.min(ENOUGH_TIMES, distinct + 1)
    last = time
  }
  return { distinct, last }
}

/**
 * Returns a time from which the scan may resume, since all that it has read is older, or as old. It is null if the
 * order is not known. Pure.
 */
export function resumeTime(times: ScanTimes): SourceTime | null {
  return times !== null && times.distinct >= ENOUGH_TIMES ? times.last : null
}
