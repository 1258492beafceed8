import { expect, test } from 'vitest'
import type { ClientSource, SourceTime } from '../../../connector/source/client-source.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import type { VirtualClock } from '../../support/fakes/virtual-clock.ts'
import { runAlone } from '../../support/run-alone.ts'
import { pageOf, token } from '../pipeline/readings.ts'
import { DAY, HOUR } from '../scan/scans.ts'
import { stage } from './open/open-parts.ts'

/** Shows full scans of a server that needs 50 hours for one, beside a rewind a day. */

const PAGES = 100
const PAGE_MS = HOUR / 2
const beginAt = '2019-01-01T00:00:00' as SourceTime
const modifiedAt = (client: number) =>
  wallClock(Date.parse('2020-01-01T00:00:00Z') + client * 1_000_000, 'Europe/Paris')

const PER_PAGE = 5

/** Clients in the order of their last change; reports when it is read from the beginning, and to the end. */
function slowSource(clock: () => VirtualClock, report: (what: 'begin' | 'end') => void): ClientSource {
  const all = Array.from({ length: PER_PAGE * PAGES }, (_, number) => ({ No: `${number}`, Modif: modifiedAt(number) }))
  const read: ClientSource['read'] = async ({ lastChanged, checkPoint }, stop) => {
    const due = all.filter(({ Modif }) => Modif >= lastChanged)
    await clock().sleep(due.length === 0 ? 1_000 : PAGE_MS, stop)
    if (checkPoint === null && lastChanged === beginAt) report('begin')
    const from = Number(checkPoint ?? 0)
    const isEnd = from + PER_PAGE >= due.length
    if (isEnd && due.length > 0) report('end')
    const rest = isEnd ? {} : { hasMoreResults: true, checkPoint: token(`${from + PER_PAGE}`) }
    return pageOf(due.slice(from, from + PER_PAGE), { serverTime: clock().now(), ...rest })
  }
  return { read }
}

test('a full scan of 50 hours ends beside a rewind a day, and the next one is due a period after its start', async () => {
  const reports: (readonly [string, number])[] = []
  const on = stage({
    source: slowSource(
      () => on.clock,
      (what) => reports.push([what, (on.clock.now() - createdAt) / DAY]),
    ),
  })
  const createdAt = on.clock.now()
  const { readerParts } = on.pipelineParts
  const settings = { ...readerParts.settings, intervalMs: HOUR, fullScan: { everyMs: 7 * DAY } }
  const stop = new AbortController()
  const run = runAlone(
    {
      ...on.streamParts,
      openParts: { ...on.openParts, beginAt, settings },
      pipelineParts: { ...on.pipelineParts, savePeriodMs: HOUR, readerParts: { ...readerParts, beginAt, settings } },
      lookEveryMs: HOUR / 2,
      whenHeld: 'waits',
    },
    stop.signal,
  )
  for (let day = 1; day <= 15; day += 1) {
    await on.clock.advance(DAY)
    const to = wallClock(on.clock.now() - DAY, 'Europe/Paris')
    on.wish({ rewind: { id: `rewind ${day}`, to, republish: false, confirmedDocument: null } })
  }
  stop.abort()
  await run
  const begins = reports.filter(([what]) => what === 'begin').map(([, day]) => Math.floor(day))
  const ends = reports.filter(([what]) => what === 'end').map(([, day]) => Math.floor(day))
  expect(begins).toEqual([0, 7, 14])
  expect(ends).toEqual([2, 9])
}, 30_000)
