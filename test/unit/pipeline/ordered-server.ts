import type { ClientSource, Page, ReadArguments } from '../../../connector/source/client-source.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import type { VirtualClock } from '../../support/fakes/virtual-clock.ts'
import { MINUTE, SECOND } from '../scan/scans.ts'
import { failure } from './page-readers.ts'
import { pageOf, token } from './readings.ts'

/** `frozen, changing`: the list of a scan is frozen at its first page, oldest first, but clients show their present values. */
export const serverOrders = ['oldest first', 'newest first', 'random', 'frozen, changing'] as const
type ServerOrder = (typeof serverOrders)[number]

/**
 * What goes wrong when the history asks for its page 11, once: the server refuses its tokens, or answers twelve times
 * with a 500.
 */
type ServerTrouble = 'a refused token' | 'twelve 500s'

interface Server {
  readonly order: ServerOrder
  readonly trouble: ServerTrouble
  readonly clock: VirtualClock
}

export const SERVED = 2_000
const LIMIT = 100
const TROUBLE_AT = 10 * LIMIT

interface Row {
  readonly No: string
  at: number
}

/** A server of clients that were modified every half hour; one changes while the history reads its page. */
export function orderedServer({ order, trouble, clock }: Server): ClientSource {
  const rows = Array.from({ length: SERVED }, (_, index): Row => {
    return { No: `${index}`, at: clock.now() - (SERVED - index) * 30 * MINUTE - 60 * MINUTE }
  })
  const lists: (readonly Row[])[] = []
  let [refusedUpTo, failuresLeft, isTroubled] = [-1, 12, true]

  const begin = ({ lastChanged }: ReadArguments) => {
    const due = rows.filter(({ at }) => textOf(at) >= lastChanged)
    lists.push(due.sort(comparisons[order]))
    return lists.length - 1
  }
  const check = (list: number, from: number) => {
    if (from !== TROUBLE_AT || lists[list]?.length !== SERVED || !isTroubled) return
    if (trouble === 'a refused token') {
      isTroubled = false
      refusedUpTo = lists.length - 1
    } else if (failuresLeft > 0) {
      failuresLeft -= 1
      throw failure('source.server-error')
    }
  }
  return {
    read: async (at, stop): Promise<Page> => {
      stop.throwIfAborted()
      const [list = 0, from = 0] = at.checkPoint === null ? [begin(at)] : at.checkPoint.split(' ').map(Number)
      check(list, from)
      if (at.checkPoint !== null && list <= refusedUpTo) throw failure('source.request-refused')
      const all = lists[list] ?? []
      const until = Math.min(from + at.limit, all.length)
      const last = all[until - 1]
      // A client that changes is at another place for the scans that begin later.
      if (order === 'frozen, changing' && until === TROUBLE_AT && last !== undefined) last.at = clock.now() - 5 * SECOND
      const clients = all.slice(from, until).map(({ No, at: time }) => ({ No, Modif: textOf(time) }))
      return pageOf(clients, {
        ...{ hasMoreResults: until < all.length, checkPoint: token(`${list} ${until}`), serverTime: clock.now() },
      })
    },
  }
}

const textOf = (instant: number) => wallClock(instant, 'Europe/Paris')

const comparisons: Record<ServerOrder, (left: Row, right: Row) => number> = {
  'oldest first': (left, right) => left.at - right.at,
  'newest first': (left, right) => right.at - left.at,
  random: (left, right) => shuffled(left) - shuffled(right),
  'frozen, changing': (left, right) => left.at - right.at,
}
const shuffled = ({ No }: Row) => Math.imul(Number(No) + 1, 2_654_435_761) >>> 0
