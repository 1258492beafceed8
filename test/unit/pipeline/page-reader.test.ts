import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { BACKFILL, FIRST_CONTINUED, LIVE } from '../../../connector/scan/scan-state.ts'
import type { ReadArguments } from '../../../connector/source/client-source.ts'
import { backfillOf } from '../../support/scans.ts'
import { beginAt, HOUR, MINUTE, noon, SECOND, scanOf, statesOf } from '../scan/scans.ts'
import { settled } from '../stream/open/open-parts.ts'
import { failure, kindsOf, nothingProcessed, pageReader, type Respond } from './page-readers.ts'
import { pageOf, token } from './readings.ts'
import { scanOf as pagesOf } from './scripted-source.ts'

const codeOfNext = (next: () => Promise<unknown>) => next().then(String, (error: unknown) => codeOf(error))
const withClock: (respond: Respond) => Respond = (respond) => async (ask, clock) => {
  const page = await respond(ask, clock)
  if (page instanceof Error) throw page
  return { ...page, serverTime: Math.floor(clock.now() / SECOND) * SECOND }
}
const isBackfill = ({ lastChanged }: ReadArguments) => lastChanged === beginAt
/** A server with nothing new; a backfill of this number of pages. */
const quiet = (backfillPages = 1, takesMs = 0) =>
  withClock((ask, clock) => {
    clock.jump(takesMs)
    const page = isBackfill(ask) ? Number(ask.checkPoint?.slice(1) ?? 0) + 1 : backfillPages
    const hasMoreResults = page < backfillPages
    return pageOf([{ No: `${page}` }], { hasMoreResults, checkPoint: token(`t${page}`), tookMs: takesMs })
  })

describe('an idle stream', () => {
  /** The requests of each hour. */
  const perHour = (asked: readonly { readonly at: number }[], hour: number) =>
    asked.filter(({ at }) => Math.floor((at - noon) / HOUR) === hour).length

  test('sends at most 190 requests an hour, and 780 as long as changes are found', async () => {
    let changes = 0
    const processed = { ...nothingProcessed, changes: () => changes }
    const { asked, next, clock } = pageReader(quiet(), { states: statesOf(), processed })
    while (clock.now() < noon + 3 * HOUR) await next()
    expect([1, 2].map((hour) => perHour(asked, hour))).toEqual([expect.toSatisfy((count) => count <= 190), 180])
    while (clock.now() < noon + 4 * HOUR) {
      changes += 1
      await next()
    }
    expect(perHour(asked, 3)).toBeGreaterThan(770)
  })
})

const onlyLive = { states: statesOf(), settings: { lookBacks: [] } }

describe('a live scan', () => {
  test('Invariant 5: is read with the latest checkPoint and the same arguments until it ends', async () => {
    const answers = pagesOf(3)
    const { asked, read } = pageReader(() => answers.shift() ?? pageOf([]), onlyLive)
    const readings = await read(3)
    expect(asked.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', 't2'])
    expect(new Set(asked.map(({ lastChanged, limit, output }) => `${lastChanged} ${limit} ${output}`)).size).toBe(1)
    expect(readings.map(({ isFirst, isLast }) => [isFirst, isLast])).toEqual([
      [true, false],
      [false, false],
      [false, true],
    ])
    expect(readings[2]?.states.live).toEqual({ startedAt: noon, scan: null })
  })

  test('is resumed in its middle', async () => {
    const live = scanOf({ kind: 'live', tag: LIVE })
    const states = statesOf({ live: { startedAt: noon - MINUTE, scan: live } })
    const { asked, next, events } = pageReader(() => pageOf([]), { ...onlyLive, states })
    expect(await next()).toMatchObject({ isFirst: false, isLast: true, scan: { tag: LIVE } })
    expect(asked).toMatchObject([{ lastChanged: live.lastChanged, checkPoint: 't2' }])
    expect(events.map(({ kind }) => kind)).toEqual(['page-read'])
  })

  test('begins where the previous one did, by the clock of the server, minus the overlap', async () => {
    const ahead = 600_000
    const respond: Respond = (_ask, clock) => pageOf([], { serverTime: clock.now() + ahead })
    const { asked, read } = pageReader(respond, onlyLive)
    const [first, second] = await read(2)
    expect(first?.readAt).toEqual({ ours: noon, server: noon + ahead })
    expect(second?.states.live.startedAt).toBe(noon + ahead + 2_500)
    expect(asked.map(({ lastChanged }) => lastChanged)).toEqual(['2026-06-15T11:59:40', '2026-06-15T12:09:45'])
  })

  test('Invariant 9: rejects with the error of the source and changes nothing when no page is returned', async () => {
    for (const code of ['source.answer-malformed', 'source.unreachable', 'source.unauthorized'] as const) {
      const { next, events } = pageReader(() => failure(code), onlyLive)
      expect(await codeOfNext(next)).toBe(code)
      expect(events.map(({ kind }) => kind)).toEqual(['scan-started'])
    }
  })

  test('stops during a pause and during a read', async () => {
    const stopped = new DOMException('stop', 'AbortError')
    const waiting = pageReader(quiet(), onlyLive)
    await waiting.next()
    const second = waiting.pages.next()
    await settled()
    waiting.stopping.abort(stopped)
    await expect(second).rejects.toBe(stopped)

    const busy = pageReader(() => {
      busy.stopping.abort(stopped)
      return Promise.reject(stopped)
    }, onlyLive)
    await expect(busy.pages.next()).rejects.toBe(stopped)
  })
})

describe('a new stream', () => {
  test('reads what changes from its creation on, and its history beside it', async () => {
    const { asked, read } = pageReader(quiet(3, 100), { settings: { lookBacks: [] } })
    const readings = await read(5)
    expect(kindsOf(readings)).toEqual(['live*', 'backfill', 'backfill', 'backfill*', 'live*'])
    expect(asked[0]?.lastChanged).toBe('2026-06-15T11:59:45')
    expect(readings[3]?.states.backfill).toEqual(backfillOf('done'))
  })

  test('reads its history first when it is configured so', async () => {
    const { read } = pageReader(quiet(3), { settings: { lookBacks: [], backfill: 'before' } })
    expect(kindsOf(await read(4))).toEqual(['backfill', 'backfill', 'backfill*', 'live*'])
  })

  test('is as old as its first response, by the earlier clock', async () => {
    const { next } = pageReader(() => pageOf([], { serverTime: noon - HOUR, tookMs: 200 }))
    expect((await next()).states).toMatchObject({
      createdAt: noon - HOUR - 200,
      lookBacks: [{ startedAt: noon - HOUR - 200 }, { startedAt: noon - HOUR - 200 }],
    })
  })
})

describe('a stream that is to be caught up', () => {
  const caughtUp = { until: 'caught-up' as const }

  test('ends after a live scan and the backfill, which then takes all the time that is left', async () => {
    const { pages, read, clock } = pageReader(quiet(20, 100), caughtUp)
    expect(kindsOf(await read(21)).at(-1)).toBe('backfill*')
    expect(clock.now()).toBe(noon + 21 * 100)
    expect(await pages.next()).toEqual({ done: true, value: undefined })
  })

  test('does not end while a background scan is in progress', async () => {
    const states = statesOf({ background: [scanOf({ kind: 'look-back', tag: 4, reachMs: 5 * MINUTE })] })
    const { pages, read } = pageReader(quiet(), { ...caughtUp, states })
    expect(kindsOf(await read(2))).toEqual(['live*', 'look-back*'])
    expect((await pages.next()).done).toBe(true)
  })

  test('does not wait for a look-back that is backed off', async () => {
    const waiting = scanOf({ kind: 'look-back', tag: 4, reachMs: 5 * MINUTE, notBefore: noon + HOUR })
    const { pages, read } = pageReader(quiet(), { ...caughtUp, states: statesOf({ background: [waiting] }) })
    expect(kindsOf(await read(1))).toEqual(['live*'])
    expect((await pages.next()).done).toBe(true)
  })

  test('fails when a page of a background scan cannot be read', async () => {
    const respond: Respond = (ask) => (isBackfill(ask) ? failure('source.unreachable') : pageOf([]))
    const { read, next } = pageReader(respond, caughtUp)
    await read(1)
    expect(await codeOfNext(next)).toBe('source.unreachable')
  })
})

describe('a long live scan', () => {
  /** Each page takes 25 seconds; the first live scan has this number. */
  const slow = (pages: number) =>
    withClock((ask, clock) => {
      clock.jump(25 * SECOND)
      const page = Number(ask.checkPoint?.slice(1) ?? 0) + 1
      const isFirst = ask.lastChanged === '2026-06-15T11:59:40'
      return pageOf([], { hasMoreResults: isFirst && page < pages, checkPoint: token(`t${page}`), tookMs: 25_000 })
    })

  test('continues in the background after a minute, and a new live scan begins where it began', async () => {
    const { asked, read, of } = pageReader(slow(5), onlyLive)
    const readings = await read(9)
    expect(readings[2]?.states).toMatchObject({
      live: { startedAt: noon, scan: null },
      background: [{ tag: FIRST_CONTINUED }],
    })
    const [, second] = asked.filter(({ checkPoint }) => checkPoint === null)
    expect(second?.lastChanged).toBe('2026-06-15T11:59:45')
    expect(readings.filter(({ scan }) => scan.tag === FIRST_CONTINUED).map(({ isLast }) => isLast)).toEqual([
      false,
      true,
    ])
    expect(readings.at(-1)?.states.background).toEqual([])
    expect(of('scan-started')).toHaveLength(readings.filter(({ isFirst }) => isFirst).length)
  })

  test('continues as the live scan on a server that mixes up scans', async () => {
    const states = statesOf({ interleaving: 'serial' })
    const { read } = pageReader(slow(5), { ...onlyLive, states })
    expect((await read(5)).map(({ scan }) => scan.tag)).toEqual([LIVE, LIVE, LIVE, LIVE, LIVE])
  })
})

describe('a background scan in trouble', () => {
  const backfilling = {
    ...onlyLive,
    states: statesOf({
      backfill: backfillOf('first'),
      background: [scanOf({ kind: 'backfill', tag: BACKFILL, from: beginAt, lastChanged: beginAt })],
    }),
  }

  test('pauses when its page cannot be read, asks for the same page again, and live scans continue', async () => {
    let failures = 2
    const respond = withClock((ask) =>
      isBackfill(ask) && failures-- > 0 ? failure('source.answer-malformed') : pageOf([]),
    )
    const { asked, read, of } = pageReader(respond, backfilling)
    const readings = await read(40)
    const backfill = asked.filter(isBackfill)
    expect(backfill.map(({ checkPoint }) => checkPoint)).toEqual(['t2', 't2', 't2'])
    const [first = 0, second = 0, third = 0] = backfill.map(({ at }) => at)
    expect([second - first, third - second]).toEqual([MINUTE, 2 * MINUTE])
    expect(of('scan-paused')).toMatchObject([
      { scan: 'backfill', code: 'source.answer-malformed' },
      { scan: 'backfill' },
    ])
    const live = readings.filter(({ scan }) => scan.tag === LIVE).map(({ scan }) => scan.startedAt ?? 0)
    expect(Math.max(...live.slice(1).map((at, index) => at - (live[index] ?? 0)))).toBeLessThanOrEqual(5 * SECOND)
  })

  test('begins again, after a pause, when it does not advance, without end', async () => {
    const respond = withClock((ask) => (isBackfill(ask) ? pageOf([], { hasMoreResults: true }) : pageOf([])))
    const { asked, read, of } = pageReader(respond, backfilling)
    await read(200)
    const backfill = asked.filter(isBackfill)
    expect(backfill.slice(0, 3).map(({ checkPoint, limit }) => [checkPoint, limit])).toEqual([
      ['t2', 100],
      [null, 100],
      [null, 100],
    ])
    expect(of('scan-stuck')[0]).toMatchObject({ scan: 'backfill', why: expect.stringContaining('checkPoint') })
  })

  test('is no reason to continue when the backfill comes before live scans', async () => {
    const respond: Respond = () => failure('source.answer-malformed')
    const { next } = pageReader(respond, { ...backfilling, settings: { backfill: 'before' } })
    expect(await codeOfNext(next)).toBe('source.answer-malformed')
  })
})

describe('a live scan that does not advance', () => {
  test('begins again once, and then rejects with source.stuck', async () => {
    const { asked, next, of } = pageReader(() => pageOf([], { hasMoreResults: true }), onlyLive)
    expect(await codeOfNext(next)).toBe('source.stuck')
    expect(asked.map(({ limit }) => limit)).toEqual([100, 100])
    expect(of('scan-stuck')).toHaveLength(1)
  })
})
