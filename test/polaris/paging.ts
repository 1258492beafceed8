import type { Place, Selection } from './clients/client-store.ts'

/**
 * How a server continues a scan. `client`: after the last client of the page. `second`: at the beginning of its second,
 * so that a second with more clients than `limit` has no end. `circle`: after the last client, and after the last page
 * from the beginning again. `empty`: where it was, without any client.
 */
export type Paging = 'client' | 'second' | 'circle' | 'empty'

/** Selects the clients of one page. `last` is where the next page begins. */
export function pageOf(
  paging: Paging,
  { from, start, select }: { from: Place; start: Place; select(after: Place): Selection },
): Selection {
  if (paging === 'empty') return { parts: [], count: 0, last: from, more: true }
  const page = select(from)
  if (page.count === 0 || paging === 'client') return page
  if (paging === 'second') return { ...page, last: { modified: `${page.last.modified.slice(0, 19)}.000`, index: -1 } }
  return page.more ? page : { ...page, last: start, more: true }
}
