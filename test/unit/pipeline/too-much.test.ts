import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { ScanOrder } from '../../../connector/scan/scan-order.ts'
import { LIVE } from '../../../connector/scan/scan-state.ts'
import type { CheckPoint, PageRequest } from '../../../connector/source/client-source.ts'
import { beginAt, MINUTE, noon, noonText, provenUpTo, SECOND, scanOf, statesOf } from '../scan/scans.ts'
import { failure, kindsOf, nothingProcessed, pageReader, type Respond } from './page-readers.ts'
import { mappedTo, pageOf } from './readings.ts'

const CLIENTS = 1_000
const TAKES_MS = 60_000

/** Answers with the next `limit` of its clients; pages of more than `most` clients fail with the code. */
function serverWith(most: number, code: ErrorCode = 'source.timeout', backfilled = CLIENTS): Respond {
  return ({ checkPoint, limit, lastChanged }, clock) => {
    const from = Number(checkPoint ?? 0)
    const all = lastChanged === beginAt ? backfilled : 0
    const until = Math.min(from + limit, all)
    if (until - from > most) {
      if (code === 'source.timeout') clock.jump(TAKES_MS)
      return failure(code)
    }
    const clients = Array.from({ length: until - from }, (_, index) => ({ No: `${from + index}` }))
    return pageOf(clients, { hasMoreResults: until < all, checkPoint: `${until}` as CheckPoint })
  }
}

const onlyBackfill = { settings: { lookBacks: [], limit: 400 }, states: statesOf({ backfill: 'due' }) }

describe('a background scan whose pages take too long', () => {
  test('begins again with half the limit after a second failure, while live scans continue', async () => {
    const { asked, of, read } = pageReader(serverWith(200), onlyBackfill)
    const readings = await read(40)
    const backfill = asked.filter(({ lastChanged }) => lastChanged === beginAt)
    expect(backfill.map(({ checkPoint, limit }) => [checkPoint, limit]).slice(0, 5)).toEqual([
      [null, 400],
      [null, 400],
      [null, 10],
      [null, 200],
      ['200', 200],
    ])
    expect(kindsOf(readings)).toContain('live*')
    expect(kindsOf(readings)).toContain('backfill*')
    expect(of('limit-lowered')).toMatchObject([{ scan: 'backfill', failedLimit: 400, limit: 200 }])
    const read200 = readings.filter(({ scan }) => scan.kind === 'backfill').flatMap(({ page }) => page.clients)
    expect(new Set(read200.map(({ No }) => No)).size).toBe(CLIENTS)
  })

  test('is read with a smaller limit at once when a page is too large', async () => {
    const { asked, of, read } = pageReader(serverWith(100, 'source.answer-too-large'), onlyBackfill)
    await read(40)
    const limits = asked.filter(({ lastChanged }) => lastChanged === beginAt).map(({ limit }) => limit)
    expect(limits.slice(0, 4)).toEqual([400, 200, 100, 100])
    expect(of('limit-lowered').map(({ limit }) => limit)).toEqual([200, 100])
    expect(of('scan-paused')).toEqual([])
  })

  test('makes live scans begin with the smaller limit as well, until it may be tried again', async () => {
    const { asked, read, clock } = pageReader(serverWith(200), onlyBackfill)
    await read(30)
    const limitsOf = (from: number) =>
      new Set(asked.filter(({ at, lastChanged }) => at >= from && lastChanged > beginAt).map(({ limit }) => limit))
    expect(limitsOf(clock.now() - MINUTE)).toEqual(new Set([200]))
    while (clock.now() < noon + 25 * MINUTE) await read(1)
    expect(limitsOf(clock.now() - MINUTE)).toEqual(new Set([400]))
  })
})

describe('a live scan whose pages take too long', () => {
  const live = scanOf({ kind: 'live', tag: LIVE, lastChanged: noonText, limit: 400 })
  const states = statesOf({ live: { startedAt: noon, scan: live } })
  const hanging: Respond = ({ limit }, clock) => {
    if (limit <= 100) return pageOf([])
    clock.jump(TAKES_MS)
    return failure('source.timeout')
  }

  test('Invariant 5: begins again without its token, at once', async () => {
    const on = pageReader(hanging, { settings: { lookBacks: [] }, states })
    expect(await on.next()).toMatchObject({ isFirst: true, scan: { tag: LIVE, limit: 100 } })
    expect(on.asked.map(({ checkPoint, limit, lastChanged }) => [checkPoint, limit, lastChanged])).toEqual([
      ['t2', 400, noonText],
      [null, 10, noonText],
      [null, 200, noonText],
      [null, 10, noonText],
      [null, 100, noonText],
    ])
    expect(on.clock.now()).toBeLessThan(noon + 2 * TAKES_MS + SECOND)
  })

  test('begins again near its last clients where their times have proven an order, else at its start', async () => {
    const lastChanged = async (order: ScanOrder) => {
      const processed = { ...nothingProcessed, order: () => order }
      const on = pageReader(hanging, { settings: { lookBacks: [] }, states, processed })
      await on.next()
      return on.asked.at(-1)?.lastChanged
    }
    expect(await lastChanged(provenUpTo('2026-06-15T12:30:00'))).toBe('2026-06-15T12:29:45')
    expect(await lastChanged({ kind: 'unordered' })).toBe(noonText)
  })

  test('asks for a small page with what is known of pages, like any other request', async () => {
    const known: PageRequest['known'][] = []
    const mapping = { ...mappedTo('No', null), json: { path: ['Clients'], clientId: 'No', modifiedAt: null } }
    const onAsk = (ask: PageRequest) => known.push(ask.known)
    await pageReader(hanging, { settings: { lookBacks: [] }, states, mapping, onAsk }).next()
    expect(known).toEqual(Array.from({ length: 5 }, () => ({ path: ['Clients'], clientId: 'No' })))
  })

  test('rejects when ten clients are too large', async () => {
    const { asked, next } = pageReader(() => failure('source.answer-too-large'), {
      ...{ settings: { lookBacks: [], limit: 50 }, states: statesOf() },
    })
    expect(await next().then(String, codeOf)).toBe('source.answer-too-large')
    expect(asked.map(({ limit }) => limit)).toEqual([50, 25, 12, 6])
  })
})

describe('a live scan that is stuck with small pages and fails with large ones', () => {
  test.each([1, 7, 30, 99, 400, 1_000, 3_999])('rejects after a few attempts, from a limit of %i', async (limit) => {
    const server: Respond = (ask) =>
      ask.limit >= 4_000
        ? failure('source.answer-too-large')
        : pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: null })
    const { asked, next } = pageReader(server, { settings: { lookBacks: [], limit }, states: statesOf() })
    expect(await next().then(String, codeOf)).toBe('source.stuck')
    expect(asked.length).toBeLessThan(100)
    expect(asked.map((ask) => ask.limit)).toContain(3_999)
  })
})

describe('a server that hangs, whatever the size of the page', () => {
  /** Hangs for five minutes; then its answers are late, as after retries in place. */
  const hanging: Respond = (ask, clock) => {
    const until = noon + 5 * MINUTE
    if (clock.now() >= until) return serverWith(400)(ask, clock)
    if (ask.limit > 10 || ask.patience === 'once') {
      clock.jump(TAKES_MS)
      return failure('source.timeout')
    }
    clock.jump(until - clock.now())
    return pageOf([])
  }

  test('is asked for a small page, and then for the same page again: the limit stays', async () => {
    const settings = { lookBacks: [], limit: 400 }
    const { asked, of, next } = pageReader(hanging, { settings, states: statesOf() })
    expect(await next()).toMatchObject({ scan: { tag: LIVE, limit: 400 } })
    expect(asked.map(({ limit }) => limit)).toEqual([400, 10, 400])
    expect(of('limit-lowered')).toEqual([])
  })

  test('pauses a background scan, whose limit stays', async () => {
    const { of, read } = pageReader(hanging, onlyBackfill)
    const readings = await read(30)
    expect(of('limit-lowered')).toEqual([])
    expect(readings.findLast(({ scan }) => scan.kind === 'backfill')?.scan.limit).toBe(400)
  })

  test('costs no token of a server that mixes up scans', async () => {
    const scan = scanOf({ kind: 'live', tag: LIVE, limit: 400 })
    const states = statesOf({ interleaving: 'serial', live: { startedAt: noon, scan } })
    const { asked, next } = pageReader(({ limit }) => (limit > 200 ? failure('source.timeout') : pageOf([])), {
      ...{ settings: { lookBacks: [] }, states },
    })
    await next()
    expect(asked.map(({ checkPoint, limit }) => [checkPoint, limit])).toEqual([
      ['t2', 400],
      [null, 200],
    ])
  })
})

test('a stuck scan doubles its limit, but not to one that failed lately', async () => {
  const failedLimit = { limit: 150, until: noon + 60 * MINUTE, attempts: 1 }
  const stuck: Respond = ({ lastChanged }) =>
    lastChanged === beginAt ? pageOf([], { hasMoreResults: true, checkPoint: null }) : pageOf([])
  const states = statesOf({ backfill: 'due', failedLimit })
  const { of, read } = pageReader(stuck, { settings: { lookBacks: [] }, states })
  await read(40)
  expect(of('scan-stuck')[0]).toMatchObject({ scan: 'backfill', limit: 125 })
})
