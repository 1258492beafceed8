import type { Output } from './answer/answer-form.ts'
import type { ClientStore, Place, Selection } from './clients/client-store.ts'

/**
 * The order in which a scan returns clients. `oldest-first`: as they are modified, so that a client that changes moves to
 * the end. Any other order is fixed at the first page of a scan, while clients show their present values: `listed` is
 * oldest first.
 */
export const serverOrders = ['oldest-first', 'listed', 'newest-first', 'random'] as const
export type ServerOrder = (typeof serverOrders)[number]

/** The fixed orders of scans. The index of a place counts the clients of the scan that were returned. */
export interface Listed {
  select(page: { readonly scan: number; readonly from: Place }, limit: number, output: Output): Selection
}

export function listed(store: ClientStore, order: () => ServerOrder): Listed {
  const lists = new Map<number, readonly number[]>()
  const listOf = (scan: number, from: Place) => {
    const known = lists.get(scan) ?? ordered(store.indexes(from), order())
    lists.set(scan, known)
    return known
  }
  return {
    select: ({ scan, from }, limit, output) => {
      const list = listOf(scan, from)
      const next = from.index + 1
      const parts = store.present(list.slice(next, next + limit), output)
      const end = Math.min(next + limit, list.length)
      return { parts, count: parts.length, last: { ...from, index: end - 1 }, more: end < list.length }
    },
  }
}

function ordered(indexes: readonly number[], order: ServerOrder): readonly number[] {
  if (order === 'listed' || order === 'oldest-first') return indexes
  if (order === 'newest-first') return indexes.toReversed()
  const place = (index: number) => Math.imul(index + 1, 2_654_435_761) >>> 0
  return indexes.toSorted((left, right) => place(left) - place(right))
}
