import { expect, test } from 'vitest'
import { runPipeline } from '../../../connector/pipeline/pipeline.ts'
import type { ClientSource, ReadArguments } from '../../../connector/source/client-source.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import { driven } from '../../support/driven.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { historyOf } from '../../support/scans.ts'
import { beginAt, DAY, MINUTE, noon, SECOND, statesOf } from '../scan/scans.ts'
import { openedStream, stage } from '../stream/open/open-parts.ts'
import { failure } from './page-readers.ts'
import { pageOf, token } from './readings.ts'

// The pipeline reads a server in memory that changes a client and refuses tokens while its history is read.

const SERVED = 2_000
const TROUBLE_AT = 1_000
const textOf = (instant: number) => wallClock(instant, 'Europe/Paris')

/**
 * Clients that were modified every half hour. The list of a scan is frozen at its first page, oldest first, but clients
 * show their present values; the last client of page 10 changes while the history reads that page. Then the server
 * refuses its tokens.
 */
function changingServer(clock: ReturnType<typeof virtualClock>): ClientSource {
  const rows = Array.from({ length: SERVED }, (_, index) => {
    return { No: `${index}`, at: noon - (SERVED - index) * 30 * MINUTE - 60 * MINUTE }
  })
  const lists: (typeof rows)[] = []
  let refusedUpTo = -1
  const begin = ({ lastChanged }: ReadArguments) => {
    const due = rows.filter(({ at }) => textOf(at) >= lastChanged)
    return lists.push(due.sort((left, right) => left.at - right.at)) - 1
  }
  return {
    read: async (at) => {
      const [list = 0, from = 0] = at.checkPoint === null ? [begin(at)] : at.checkPoint.split(' ').map(Number)
      const all = lists[list] ?? []
      if (from === TROUBLE_AT && all.length === SERVED && refusedUpTo < 0) refusedUpTo = lists.length - 1
      if (at.checkPoint !== null && list <= refusedUpTo) throw failure('source.request-refused')
      const until = Math.min(from + at.limit, all.length)
      const last = all[until - 1]
      if (until === TROUBLE_AT && last !== undefined) last.at = clock.now() - 5 * SECOND
      const clients = all.slice(from, until).map((row) => ({ No: row.No, Modif: textOf(row.at) }))
      return pageOf(clients, {
        hasMoreResults: until < all.length,
        checkPoint: token(`${list} ${until}`),
        serverTime: clock.now(),
      })
    },
  }
}

test('Invariant 1: a history that resumes publishes every client, though one changes while it is read', async () => {
  const clock = virtualClock(noon)
  const on = stage({ source: changingServer(clock), clock })
  const stopping = new AbortController()
  const opened = await openedStream({ ...on.openParts, beginAt }, stopping.signal)
  const { checkpoint } = opened
  const scans = statesOf({ lookBacks: [], history: historyOf('first') })
  checkpoint.advance({ ...checkpoint.state(), scans, entries: '' })
  const settings = { ...on.pipelineParts.readerParts.settings, limit: 100, intervalMs: MINUTE, overlapMs: 15_000 }
  const readerParts = { ...on.pipelineParts.readerParts, settings, beginAt }
  const end = runPipeline({ ...on.pipelineParts, readerParts }, opened, stopping.signal)
  const isDone = () => {
    const { history, background } = checkpoint.state().scans
    return history.state === 'done' && background.length === 0
  }
  while (!isDone() && clock.now() < noon + 5 * DAY) await clock.advance(MINUTE)
  stopping.abort()
  await driven(clock, end)
  expect(isDone()).toBe(true)
  expect(new Set(on.kafka.committed.map(({ key }) => key)).size).toBe(SERVED)
})
