import { describe, expect, test } from 'vitest'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import { CATCH_UP, HISTORY, isSameScan } from '../../../connector/scan/scan-state.ts'
import type { ReadArguments } from '../../../connector/source/client-source.ts'
import { historyOf } from '../../support/scans.ts'
import { beginAt, HOUR, MINUTE, noon, SECOND, scanOf, statesOf } from '../scan/scans.ts'
import { failure, kindsOf, pageReader, type Respond } from './page-readers.ts'
import { pageOf, token } from './readings.ts'

// A function answers each request of the reader in virtual time; its requests and events show what it does.

const codeOfNext = (next: () => Promise<unknown>) => next().then(String, (error: unknown) => codeOf(error))
const withClock: (respond: Respond) => Respond = (respond) => async (ask, clock) => {
  const page = await respond(ask, clock)
  if (page instanceof Error) throw page
  return { ...page, serverTime: Math.floor(clock.now() / SECOND) * SECOND }
}
const isHistory = ({ lastChanged }: ReadArguments) => lastChanged === beginAt
/** A server with nothing new; a history of this number of pages. */
const quiet = (historyPages = 1, takesMs = 0) =>
  withClock((ask, clock) => {
    clock.jump(takesMs)
    const page = isHistory(ask) ? Number(ask.checkPoint?.slice(1) ?? 0) + 1 : historyPages
    const hasMoreResults = page < historyPages
    return pageOf([{ No: `${page}` }], { hasMoreResults, checkPoint: token(`t${page}`), tookMs: takesMs })
  })

describe('an idle stream', () => {
  test('sends at most 790 requests an hour', async () => {
    const { asked, next, clock } = pageReader(quiet(), { scans: statesOf() })
    while (clock.now() < noon + 2 * HOUR) await next()
    expect(asked.filter(({ at }) => at >= noon + HOUR && at < noon + 2 * HOUR).length).toBeLessThanOrEqual(790)
  })
})

const onlyLive = { scans: statesOf(), settings: { lookBacks: [] } }

describe('a live scan', () => {
  test('begins where the previous one did, by the clock of the server, minus the overlap', async () => {
    const ahead = 600_000
    const respond: Respond = (_ask, clock) => pageOf([], { serverTime: clock.now() + ahead })
    const { asked, read } = pageReader(respond, onlyLive)
    const [first, second] = await read(2)
    expect(first?.readAt).toEqual({ ours: noon, server: noon + ahead })
    expect(second?.scans.live.startedAt).toBe(noon + ahead + 2_500)
    expect(asked.map(({ lastChanged }) => lastChanged)).toEqual(['2026-06-15T11:59:40', '2026-06-15T12:09:45'])
  })
})

describe('a new stream', () => {
  test('reads what changes from its creation on, and its history beside it', async () => {
    const { asked, read } = pageReader(quiet(3, 100), { settings: { lookBacks: [] } })
    const readings = await read(5)
    expect(kindsOf(readings)).toEqual(['live*', 'history', 'history', 'history*', 'live*'])
    expect(asked[0]?.lastChanged).toBe('2026-06-15T11:59:45')
    expect(readings[3]?.scans.history).toMatchObject({ state: 'done' })
  })
})

test('a new stream is as old as its first response, by the earlier clock', async () => {
  const { next } = pageReader(() => pageOf([], { serverTime: noon - HOUR, tookMs: 200 }))
  const startedAt = noon - HOUR - 200
  expect((await next()).scans).toMatchObject({ createdAt: startedAt, lookBacks: [{ startedAt }, { startedAt }] })
})

describe('a stream that is to be caught up', () => {
  const caughtUp = { endsWhen: 'caught-up' as const }

  test('ends after a live scan and the history', async () => {
    const { pages, read } = pageReader(quiet(20, 100), { ...caughtUp, settings: { lookBacks: [] } })
    expect(kindsOf(await read(21)).at(-1)).toBe('history*')
    expect(await pages.next()).toEqual({ done: true, value: undefined })
  })

  test('fails when a scan would be backed off', async () => {
    const respond: Respond = (ask) => pageOf([], { hasMoreResults: isHistory(ask) })
    const { read, next, of } = pageReader(respond, { ...caughtUp, settings: { lookBacks: [] } })
    await read(1)
    expect(await codeOfNext(next)).toBe('source.stuck')
    expect(of('scan-stuck')).toHaveLength(3)
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
  const startedScans = (of: ReturnType<typeof pageReader>['of']) => of('scan-started').map(({ scan }) => scan)

  test('continues as catch-up after a minute, with its number, and a new live scan begins where it began', async () => {
    const { asked, read, of } = pageReader(slow(5), onlyLive)
    const readings = await read(14)
    expect(readings[2]?.scans).toMatchObject({
      live: { startedAt: noon, scan: null },
      background: [{ ...CATCH_UP, number: readings[0]?.scan.number }],
    })
    const [, second] = asked.filter(({ checkPoint }) => checkPoint === null)
    expect(second?.lastChanged).toBe('2026-06-15T11:59:45')
    const catchUp = readings.filter(({ scan }) => isSameScan(scan, CATCH_UP))
    expect(catchUp.map(({ isLast }) => isLast)).toEqual([false, true])
    expect(readings.at(-1)?.scans.background).toEqual([])
    expect(startedScans(of).slice(0, 3)).toEqual(['live', 'catch-up', 'live'])
  })

  test('continues as catch-up too when its page fails for a minute', async () => {
    let isFailing = false
    const respond = withClock(({ checkPoint }, clock) => {
      clock.jump(25 * SECOND)
      if (isFailing && checkPoint === 't1') return failure('source.unreachable')
      return pageOf([], { hasMoreResults: !isFailing, checkPoint: token('t1') })
    })
    const { next, of } = pageReader(respond, { ...onlyLive, retries: Number.POSITIVE_INFINITY })
    await next()
    isFailing = true
    expect(await next()).toMatchObject({ scan: { lane: 'live' }, scans: { background: [CATCH_UP] } })
    expect(startedScans(of)).toEqual(['live', 'catch-up', 'live'])
  })
})

describe('a live scan whose first page fails', () => {
  const isLive = (ask: ReadArguments) => !isHistory(ask)
  const longHistory: Respond = ({ checkPoint }) => {
    const page = Number(checkPoint?.slice(1) ?? 0) + 1
    return pageOf([{ No: `${page}` }], { hasMoreResults: true, checkPoint: token(`t${page}`) })
  }
  const backfill = { scans: statesOf({ history: historyOf('first') }), settings: { lookBacks: [] } }
  const retries = Number.POSITIVE_INFINITY

  /** Live pages fail until `endsAt`, and history pages too, if they are to. */
  function outage({ endsAt = Number.POSITIVE_INFINITY, of = 'live', error = failure('source.unreachable') } = {}) {
    const respond: Respond = (ask, clock) => {
      clock.jump(100)
      if (clock.now() < endsAt && (of === 'all' || isLive(ask))) return error
      return isLive(ask) ? pageOf([]) : longHistory(ask, clock)
    }
    return pageReader(respond, { ...backfill, retries })
  }
  const until = async ({ clock, next }: ReturnType<typeof outage>, time: number) => {
    while (clock.now() < time) await next()
  }

  test('is tried in place for a minute, then once in each 15 seconds, and the history is read in between', async () => {
    const on = outage()
    await until(on, noon + 10 * MINUTE)
    const live = on.asked.filter(isLive).map(({ at }) => at - noon)
    expect(on.asked.filter(isHistory)[0]?.at).toBeGreaterThan(noon + MINUTE)
    const later = live.filter((at) => at > 2 * MINUTE)
    const waits = later.slice(1).map((at, index) => at - (later[index] ?? 0))
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(15 * SECOND)
    expect(Math.max(...waits)).toBeLessThan(16 * SECOND)
    expect(on.asked.filter(isHistory).length).toBeGreaterThan(1_000)
    expect(on.of('read-retried').at(-1)).toMatchObject({ scan: 'live', tried: 'in-turn', code: 'source.unreachable' })
  })

  test('is read again every interval once a live page was read, and the outage is reported once', async () => {
    const on = outage({ endsAt: noon + 5 * MINUTE })
    await until(on, noon + 7 * MINUTE)
    expect(on.of('read-recovered')).toMatchObject([{ scan: 'live', failedForMs: expect.any(Number) }])
    const waits = on.asked.filter((ask) => isLive(ask) && ask.at > noon + 6 * MINUTE).map(({ at }) => at)
    expect((waits[1] ?? 0) - (waits[0] ?? 0)).toBeLessThanOrEqual(5 * SECOND)
  })

  test('does not let the history be backed off: it is tried again after the next live try', async () => {
    const on = outage({ endsAt: noon + 30 * MINUTE, of: 'all' })
    await until(on, noon + 30 * MINUTE)
    const during = on.asked.filter(({ at }) => at > noon + 2 * MINUTE && at < noon + 29 * MINUTE)
    expect(during.slice(0, 6).map((ask) => (isLive(ask) ? 'live' : 'history'))).toEqual(
      expect.arrayContaining(['live', 'history']),
    )
    const kinds = during.map((ask) => (isLive(ask) ? 'live' : 'history'))
    expect(kinds.filter((kind, index) => kind === kinds[index + 1])).toEqual([])
    expect(on.of('scan-backed-off')).toEqual([])
    expect(on.asked.filter(isHistory).at(-1)?.at).toBeLessThan(noon + 30 * MINUTE + 20 * SECOND)
  })

  test('waits as long as the server asks, at most two minutes', async () => {
    const error = new ConnectorError('source.throttled', 'scripted', { retryAfterMs: HOUR })
    const on = outage({ error })
    await until(on, noon + 20 * MINUTE)
    const live = on.asked.filter(isLive).map(({ at }) => at)
    expect(live.slice(1).map((at, index) => Math.floor((at - (live[index] ?? 0)) / SECOND))).toEqual(
      live.slice(1).map(() => 120),
    )
  })

  test('does not get another minute in place from a new reader', async () => {
    const first = outage()
    await until(first, noon + 3 * MINUTE)
    const { asked, next, clock } = pageReader(
      (ask) => (isLive(ask) ? failure('source.unreachable') : longHistory(ask, clock)),
      {
        ...backfill,
        retries,
        livePageFailures: { firstFailureAt: noon - HOUR, failures: 9 },
      },
    )
    await next()
    expect(asked.map((ask) => (isLive(ask) ? 'live' : 'history'))).toEqual(['live', 'history'])
  })

  test.each(['source.unauthorized', 'source.mapping'] as const)('holds the stream when it is %s', async (code) => {
    const on = outage({ error: failure(code) })
    expect(await codeOfNext(on.next)).toBe(code)
  })
})

describe('a page of the background', () => {
  test('waits as long as the server asks, at most two minutes', async () => {
    const error = new ConnectorError('source.throttled', 'scripted', { retryAfterMs: 90 * SECOND })
    const respond = withClock((ask) => (isHistory(ask) ? error : pageOf([])))
    const scans = statesOf({ history: historyOf('first') })
    const { asked, read } = pageReader(respond, { scans, settings: { lookBacks: [] } })
    await read(60)
    const at = asked.filter(isHistory).map((ask) => ask.at)
    expect(at.slice(1, 4).map((one, index) => (one - (at[index] ?? 0)) / SECOND)).toEqual([90, 90, 90])
  })
})

describe('a history that ends with an empty page after pages with clients', () => {
  const first = pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: token('t1') })
  const empty = pageOf([], { checkPoint: token('t2') })
  function reader(...answers: readonly ReturnType<Respond>[]) {
    const left = [...answers]
    const on = pageReader((ask) => (isHistory(ask) ? (left.shift() ?? empty) : pageOf([])), {
      settings: { lookBacks: [] },
      scans: statesOf({ history: historyOf('first') }),
    })
    const ended = async () => {
      for (;;) {
        const page = await on.next()
        if (page.scan.lane === 'history' && page.isLast) return page
      }
    }
    return { ...on, ended, requests: () => on.asked.filter(isHistory) }
  }

  test('asks for each such page once more, a minute later, and continues with what it then has', async () => {
    const more = pageOf([{ No: '2' }], { hasMoreResults: true, checkPoint: token('t2') })
    const { ended, requests } = reader(first, empty, more, empty, empty)
    await ended()
    expect(requests().map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', 't1', 't2', 't2'])
    expect((requests()[2]?.at ?? 0) - (requests()[1]?.at ?? 0)).toBe(MINUTE)
  })

  test('ends also on a server that refuses to show that page again', async () => {
    const refused = failure('source.request-refused')
    const { ended, requests } = reader(first, empty, refused, first, refused, first, empty)
    expect(await ended()).toMatchObject({ scans: { history: { state: 'done' } } })
    expect(requests()).toHaveLength(7)
  })
})

describe('a scan of the background in trouble', () => {
  const reading = {
    ...onlyLive,
    scans: statesOf({
      history: historyOf('first'),
      background: [scanOf({ ...HISTORY, from: beginAt, lastChanged: beginAt })],
    }),
  }

  test('tries its page again in its turns, is backed off after three failures, and live scans continue', async () => {
    let failures = 4
    const respond = withClock((ask) =>
      isHistory(ask) && failures-- > 0 ? failure('source.answer-malformed') : pageOf([{ No: '1' }]),
    )
    const { asked, read, of } = pageReader(respond, reading)
    const readings = await read(60)
    const history = asked.filter(isHistory)
    expect(history.map(({ checkPoint }) => checkPoint)).toEqual(Array(5).fill('t2'))
    const waits = history.slice(1).map(({ at }, index) => at - (history[index]?.at ?? 0))
    expect(waits).toEqual([0, 0, MINUTE, 2 * MINUTE])
    expect(of('read-retried').map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(of('scan-backed-off')).toMatchObject([
      { scan: 'history', pauseMs: MINUTE, code: 'source.answer-malformed' },
      { scan: 'history', pauseMs: 2 * MINUTE },
    ])
    expect(of('scan-recovered')).toMatchObject([{ scan: 'history', backedOffMs: 3 * MINUTE }])
    const live = readings.filter(({ scan }) => scan.lane === 'live').map(({ scan }) => scan.startedAt ?? 0)
    expect(Math.max(...live.slice(1).map((at, index) => at - (live[index] ?? 0)))).toBeLessThanOrEqual(5 * SECOND)
  })

  test('begins again when it does not advance, and is backed off', async () => {
    const respond = withClock((ask) => (isHistory(ask) ? pageOf([], { hasMoreResults: true }) : pageOf([])))
    const { asked, read, of } = pageReader(respond, reading)
    await read(100)
    expect(asked.filter(isHistory).map(({ checkPoint }) => checkPoint)).toEqual(['t2', null, null, null, null, null])
    expect(of('scan-stuck')[0]).toMatchObject({ scan: 'history', why: expect.stringContaining('checkPoint') })
    expect(of('scan-backed-off').slice(0, 2)).toMatchObject([{ code: 'source.stuck', pauseMs: MINUTE }, {}])
  })

  test.each(['source.unauthorized', 'source.mapping'] as const)('holds the stream when it is %s', async (code) => {
    const respond: Respond = (ask) => (isHistory(ask) ? failure(code) : pageOf([]))
    const { read, next } = pageReader(respond, reading)
    await read(1)
    expect(await codeOfNext(next)).toBe(code)
  })
})

test('a live scan that does not advance begins again after 15 seconds, as no interval is longer', async () => {
  const { asked, of, pages, clock } = pageReader(() => pageOf([], { hasMoreResults: true }), onlyLive)
  pages.next().catch(() => {})
  await clock.advance(45 * SECOND)
  expect(asked.map(({ at }) => at - noon)).toEqual([0, 15 * SECOND, 30 * SECOND, 45 * SECOND])
  expect(of('scan-stuck')[0]).toMatchObject({ scan: 'live' })
  expect(of('scan-backed-off')).toEqual([])
})
