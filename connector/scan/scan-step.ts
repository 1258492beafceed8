import { hash } from 'node:crypto'
import type { Page, SourceTime } from '../source/client-source.ts'
import { earlierOf, type Times } from './scan-settings.ts'
import type { Lane, Scan, ScanTimes, SeenPage } from './scan-state.ts'

/** Where a page leads. */
export type Step =
  | { readonly kind: 'more' | 'done'; readonly scan: Scan }
  /** The scan asks for its last page once more, a minute later: an empty one after clients may hide an error. */
  | { readonly kind: 'end-in-doubt'; readonly scan: Scan }
  | { readonly kind: 'stuck'; readonly why: string }

/** What tells a client from others, and from itself after a change. */
export interface SeenClient {
  readonly key: string
  readonly contentHash: string
  /** Undefined: not known. */
  readonly modified?: Modified | undefined
}

/** A page, and what is known of it. */
export interface KnownPage {
  readonly page: Pick<Page, 'hasMoreResults' | 'checkPoint'>
  readonly clients: readonly SeenClient[]
  /** Both clocks when its response began. */
  readonly began: Times
  /** The clocks that set modification times may be behind the server's by as much. */
  readonly overlapMs: number
}

/**
 * Only `hasMoreResults` ends a scan. A token or the same clients seen before, no token, or too many empty pages mean that
 * it is stuck. Pure.
 */
export function scanStep(scan: Scan, { page, clients, began, overlapMs }: KnownPage): Step {
  const startedAt = scan.startedAt ?? startOf(scan.lane, began)
  const read: Scan = {
    ...scan,
    startedAt,
    times: timesAfter(scan.times, clients, startedAt - overlapMs),
    pages: scan.pages + 1,
    clients: scan.clients + clients.length,
    emptyPages: clients.length === 0 ? scan.emptyPages + 1 : 0,
  }
  // The answer to that question was that there is more.
  const isEndAsked = scan.isEndAsked && scan.emptyPages === 0
  if (page.hasMoreResults) return stepToNextPage({ ...read, isEndAsked }, page.checkPoint, clients)
  const isInDoubt = scan.lane === 'history' && clients.length === 0 && read.clients > 0 && !scan.isEndAsked
  return isInDoubt ? { kind: 'end-in-doubt', scan: { ...read, isEndAsked: true } } : { kind: 'done', scan: read }
}

/**
 * When a scan began. Live scans follow the server's clock; look-backs and histories begin again by it or by ours,
 * whichever is earlier.
 */
function startOf(lane: Lane, began: Times): number {
  return lane === 'live' || lane === 'catch-up' ? began.server : earlierOf(began)
}

const MAX_EMPTY_PAGES = 100
const OTHER_PAGING = 'the paging of this server is not the documented one'

function stepToNextPage(scan: Scan, checkPoint: Page['checkPoint'], clients: readonly SeenClient[]): Step {
  if (checkPoint === null) return { kind: 'stuck', why: 'there is no checkPoint' }
  const contents = clients.map(({ key, contentHash }) => key + contentHash).join('')
  const thisPage = { token: hashOf(checkPoint), clients: contents === '' ? null : hashOf(contents) }
  const isSeen = checkPoint === scan.checkPoint || thisPage.token === scan.seen?.token
  if (isSeen) return { kind: 'stuck', why: `this scan has already had the same checkPoint: ${OTHER_PAGING}` }
  if (thisPage.clients !== null && thisPage.clients === scan.seen?.clients)
    return { kind: 'stuck', why: `this scan has already had the same clients: ${OTHER_PAGING}` }
  if (scan.emptyPages >= MAX_EMPTY_PAGES)
    return { kind: 'stuck', why: `${scan.emptyPages} pages in a row have no clients` }
  // Invariant 5: within a scan, only the token changes.
  return { kind: 'more', scan: { ...scan, checkPoint, seen: rememberedPage(scan.seen, thisPage) } }
}

const hashOf = (text: string) => hash('sha1', text, 'base64url')

/** A cycle of any length is found after at most three times as many pages. */
function rememberedPage(seen: SeenPage | null, page: Pick<SeenPage, 'token' | 'clients'>): SeenPage {
  if (seen === null) return { ...page, power: 2, steps: 0 }
  return seen.steps + 1 === seen.power
    ? { ...page, power: seen.power * 2, steps: 0 }
    : { ...seen, steps: seen.steps + 1 }
}

/** Fewer times may rise by chance. */
const ENOUGH_TIMES = 100

/** A modification time of a client, as far as it is known. */
export interface Modified {
  /** Milliseconds since 1970. */
  readonly instant: number
  readonly wallClock: SourceTime
  readonly hasTimeOfDay: boolean
}

/** The times after those of a page, up to `latest`: what is later may have changed while it was read. Pure. */
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

/** A time from which the scan may resume: all that it has read is older, or as old. Null: its order is not known. Pure. */
export function resumeTime(times: ScanTimes): SourceTime | null {
  return times !== null && times.distinct >= ENOUGH_TIMES ? times.last : null
}
