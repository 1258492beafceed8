import { describe, expect, test } from 'vitest'
import { interleavingProof } from '../../../connector/pipeline/read/interleaving-proof.ts'
import { BACKFILL, FIRST_LOOK_BACK, LIVE, noTokens } from '../../../connector/scan/scan-state.ts'
import type { ReadArguments } from '../../../connector/source/client-source.ts'
import { backfillOf } from '../../support/scans.ts'
import { never } from '../../support/signals.ts'
import { beginAt, MINUTE, noon, scanOf, statesOf } from '../scan/scans.ts'
import { failure, kindsOf, pageReader, type Respond } from './page-readers.ts'
import { pageOf, token } from './readings.ts'

/** A backfill of ten pages of three clients; a second for each page. */
const isBackfill = ({ lastChanged }: ReadArguments) => lastChanged === beginAt
const pageAt = (page: number) =>
  pageOf(
    [1, 2, 3].map((client) => ({ No: `${page}-${client}` })),
    { hasMoreResults: page < 10, checkPoint: token(`t${page}`), serverTime: undefined },
  )
const pageNumber = ({ checkPoint }: ReadArguments) => Number(checkPoint?.slice(1) ?? 0) + 1
const none = pageOf([], { serverTime: undefined })

const keepsApart: Respond = (ask, clock) => {
  clock.jump(1_000)
  return isBackfill(ask) ? pageAt(pageNumber(ask)) : none
}
/** Any other scan moves the only cursor of the server. */
function mixesUp(): Respond {
  let cursor = 0
  return (ask, clock) => {
    clock.jump(1_000)
    if (!isBackfill(ask)) {
      cursor = 500
      return none
    }
    if (ask.checkPoint === null) cursor = 0
    cursor += 1
    const page = pageAt(pageNumber(ask))
    return { ...page, clients: pageAt(cursor).clients }
  }
}
const start = {
  states: statesOf({
    interleaving: 'unknown',
    backfill: backfillOf('first'),
    createdAt: null,
    live: { startedAt: null, scan: null },
  }),
  settings: { lookBacks: [] },
}

describe('a server that keeps scans apart', () => {
  test('proves it once: a background page is asked for again after a live scan, and then never again', async () => {
    const { asked, read } = pageReader(keepsApart, start)
    const readings = await read(20)
    expect(readings.at(-1)?.states).toMatchObject({ interleaving: 'proven', backfill: backfillOf('done') })
    const tokens = asked.filter(isBackfill).map(({ checkPoint }) => checkPoint)
    expect(tokens).toHaveLength(11)
    expect(new Set(tokens).size).toBe(10)
    const repeated = tokens.findIndex((one, index) => tokens.indexOf(one) !== index)
    expect(tokens[repeated]).toBe(tokens[repeated - 1])
  })

  test('proves it also if a client of that page has changed meanwhile', async () => {
    const seen = new Set<number>()
    const respond: Respond = async (ask, clock) => {
      const page = await keepsApart(ask, clock)
      if (!isBackfill(ask) || page instanceof Error || !seen.has(pageNumber(ask))) {
        seen.add(pageNumber(ask))
        return page
      }
      return { ...page, clients: [...page.clients.slice(0, 2), { No: 'changed' }] }
    }
    expect((await pageReader(respond, start).read(14)).at(-1)?.states.interleaving).toBe('proven')
  })

  test('is asked again later when the answer that was to prove it failed', async () => {
    let failures = 1
    const tokens = new Set<string | null>()
    const respond: Respond = (ask, clock) => {
      const isAgain = isBackfill(ask) && tokens.has(ask.checkPoint)
      if (isBackfill(ask)) tokens.add(ask.checkPoint)
      return isAgain && failures-- > 0 ? failure('source.unreachable') : keepsApart(ask, clock)
    }
    const { read, of } = pageReader(respond, start)
    const readings = await read(14)
    expect(readings.map(({ states }) => states.interleaving)).toContain('proven')
    expect([failures, of('scan-paused')]).toEqual([-1, []])
  })
})

describe('a server that mixes up scans', () => {
  test('has them one after the other from then on, with a warning, and the backfill loses nothing', async () => {
    const { read, of } = pageReader(mixesUp(), start)
    const readings = await read(20)
    expect(of('scans-not-interleaved')).toHaveLength(1)
    const kinds = kindsOf(readings)
    const end = kinds.indexOf('backfill*')
    expect(kinds.slice(end - 9, end + 1)).toEqual([...new Array(9).fill('backfill'), 'backfill*'])
    const last = readings.slice(end - 9, end + 1)
    expect(last.flatMap(({ page }) => page.clients.map(({ No }) => No))).toHaveLength(30)
    expect(last[0]?.isFirst).toBe(true)
    expect(kinds.slice(end + 1)).toContain('live*')
    expect(readings.at(-1)?.states.interleaving).toBe('serial')
  })

  test('has every scan in progress begin again, as all their tokens are mixed up', async () => {
    const read = async () => pageOf([{ No: 'other' }])
    const proof = interleavingProof({ source: { read }, observe: () => {} })
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL, from: beginAt })
    const lookBack = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, reachMs: 5 * MINUTE })
    const live = scanOf({ kind: 'live', tag: LIVE })
    const inProgress = { background: [backfill, lookBack], live: { startedAt: noon, scan: live } }
    proof.read(lookBack, pageAt(1))
    proof.read(live, pageAt(2))
    const states = await proof.before(lookBack, statesOf({ interleaving: 'unknown', ...inProgress }), never)
    expect(states.interleaving).toBe('serial')
    for (const scan of [...states.background, states.live.scan])
      expect(scan).toMatchObject({ lastChanged: scan?.from, checkPoint: null, tokens: noTokens })
  })

  test('is known also by tokens that it refuses three times in a row, and only after a live scan', async () => {
    let isInterleaved = false
    const respond: Respond = (ask, clock) => {
      clock.jump(1_000)
      if (!isBackfill(ask)) {
        isInterleaved = true
        return none
      }
      if (ask.checkPoint === null) isInterleaved = false
      return isInterleaved ? failure('source.request-refused') : pageAt(pageNumber(ask))
    }
    const { read, of } = pageReader(respond, start)
    const readings = await read(30)
    expect(of('scans-not-interleaved')).toHaveLength(1)
    expect(kindsOf(readings)).toContain('backfill*')
  })
})
