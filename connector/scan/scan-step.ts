import type { CheckPoint, Page } from '../source/client-source.ts'
import type { Times } from './scan-settings.ts'
import { END_AGAIN_MS, type Scan, type TokenGuard } from './scan-state.ts'

/** Where a page leads. */
export type Step =
  | { readonly kind: 'more' | 'done'; readonly scan: Scan }
  | { readonly kind: 'stuck'; readonly why: string }

/**
 * Only `hasMoreResults` ends a scan. A backfill or full scan that ends with an empty page after clients repeats that
 * request once: such a page may hide an error. A token seen before, no token, or too many empty pages mean that it is stuck.
 * `began`: when the response began. Pure.
 */
export function scanStep(scan: Scan, page: Page, began: Times): Step {
  const read: Scan = {
    ...scan,
    startedAt: scan.startedAt ?? began.server,
    startedAtOurs: scan.startedAtOurs ?? began.ours,
    pages: scan.pages + 1,
    clients: scan.clients + page.clients.length,
    emptyPages: page.clients.length === 0 ? scan.emptyPages + 1 : 0,
    failures: 0,
    end: scan.end === 'none' ? 'none' : 'repeated',
  }
  if (!page.hasMoreResults) {
    const isDoubtful = repeatsEnd(read) && isEmptyEnd(page, read) && read.end === 'none'
    if (!isDoubtful) return { kind: 'done', scan: read }
    return { kind: 'more', scan: { ...read, end: 'repeat', notBefore: began.ours + END_AGAIN_MS } }
  }
  const { checkPoint } = page
  if (checkPoint === null) return { kind: 'stuck', why: 'there is no checkPoint' }
  if (checkPoint === scan.checkPoint || checkPoint === scan.tokens.token)
    return { kind: 'stuck', why: 'this scan has already had the same checkPoint' }
  if (read.emptyPages >= MAX_EMPTY_PAGES)
    return { kind: 'stuck', why: `${read.emptyPages} pages in a row have no clients` }
  // Invariant 5: within a scan, only the token changes.
  return { kind: 'more', scan: { ...read, checkPoint, tokens: remembered(scan.tokens, checkPoint) } }
}

const MAX_EMPTY_PAGES = 100
const repeatsEnd = ({ kind }: Scan) => kind === 'backfill' || kind === 'full'

/** Whether the page ends the scan with nothing, after pages with clients. Pure. */
function isEmptyEnd(page: Pick<Page, 'clients' | 'hasMoreResults'>, scan: Pick<Scan, 'clients'>): boolean {
  return !page.hasMoreResults && page.clients.length === 0 && scan.clients > 0
}

/** Whether the last page of a scan leaves it open that there are more clients. Pure. */
export function isEndUnconfirmed(page: Page, scan: Scan): boolean {
  return repeatsEnd(scan) && isEmptyEnd(page, scan)
}

/** A cycle of any length is found after at most three times as many pages. */
function remembered({ token, power, steps }: TokenGuard, next: CheckPoint): TokenGuard {
  return token === null || steps + 1 === power
    ? { token: next, power: power * 2, steps: 0 }
    : { token, power, steps: steps + 1 }
}
