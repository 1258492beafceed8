import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { HISTORY } from '../../../connector/scan/scan-state.ts'
import { historyOf } from '../../support/scans.ts'
import { beginAt, HOUR, MINUTE, noon, orderedUpTo, scanOf, statesOf } from '../scan/scans.ts'
import { failure, pageReader, type Respond } from './page-readers.ts'
import { pageOf, token } from './readings.ts'

// A function answers each request of the reader in virtual time, and refuses tokens.

const codeOfNext = (next: () => Promise<unknown>) => next().then(String, (error: unknown) => codeOf(error))
const live = scanOf({ lane: 'live' })
const settings = { lookBacks: [] }
/** In the middle of a live scan, at `t2`. */
const resumed = { settings, scans: statesOf({ live: { startedAt: noon, scan: live } }) }
const answering = (...answers: readonly ReturnType<Respond>[]) => {
  const left = [...answers]
  return () => left.shift() ?? pageOf([])
}
const refused = failure('source.request-refused')
const refusing: Respond = ({ checkPoint }) => (checkPoint === null ? pageOf([]) : refused)

describe('a checkPoint', () => {
  test('is refused when a call with it is rejected and the same call without it succeeds', async () => {
    const { asked, next, of } = pageReader(refusing, resumed)
    expect(await next()).toMatchObject({ isLast: true, scan: { pages: 1 } })
    expect(asked.map(({ checkPoint }) => checkPoint)).toEqual(['t2', null, 't2', null])
    expect(of('checkpoint-refused')).toMatchObject([{ scan: 'live', lastChanged: live.from, error: refused }])
  })

  test.each(['source.error-document', 'source.function-missing'] as const)(
    'is refused when it fails with %s before and after the call without it',
    async (code) => {
      const broken = failure(code)
      const { asked, next } = pageReader(answering(broken, pageOf([]), broken), resumed)
      expect(await next()).toMatchObject({ scan: { pages: 1 } })
      expect(asked.map(({ checkPoint }) => checkPoint)).toEqual(['t2', null, 't2', null])
    },
  )

  test('is refused when five calls with it in a row, and one after the call without it, end in a 5xx', async () => {
    const respond: Respond = ({ checkPoint }) => (checkPoint === null ? pageOf([]) : failure('source.server-error'))
    const { asked, next } = pageReader(respond, { ...resumed, retries: Number.POSITIVE_INFINITY })
    expect(await next()).toMatchObject({ scan: { pages: 1 } })
    expect(asked.map(({ checkPoint }) => checkPoint)).toEqual([...Array(5).fill('t2'), null, 't2', null])
  })

  test('of a scan of the background is refused when its fifth turn in a row ends in a 5xx', async () => {
    const respond: Respond = ({ checkPoint }) => (checkPoint === null ? pageOf([]) : failure('source.server-error'))
    const scans = statesOf({ background: [scanOf(HISTORY)], history: historyOf('first') })
    const { asked, next, of } = pageReader(respond, { settings, scans })
    while (of('checkpoint-refused').length === 0) await next()
    expect(asked.filter(({ checkPoint }) => checkPoint === 't2')).toHaveLength(6)
    expect(of('scan-backed-off')).toHaveLength(3)
  })

  test('is not refused when it succeeds after an error document and the call without it', async () => {
    const answers = [failure('source.error-document'), pageOf([]), pageOf([{ No: '7' }])]
    const { asked, next } = pageReader(answering(...answers), resumed)
    expect(await next()).toMatchObject({ scan: { pages: 3 }, clients: [{ id: '7' }] })
    expect(asked.map(({ checkPoint }) => checkPoint)).toEqual(['t2', null, 't2'])
  })

  test('is not refused when the call without it also fails', async () => {
    const { next } = pageReader(answering(failure('source.error-document'), failure('source.unreachable')), resumed)
    expect(await codeOfNext(next)).toBe('source.error-document')
  })

  test.each(['source.unauthorized', 'source.forbidden', 'source.throttled', 'source.unreachable'] as const)(
    'is not refused when the error is %s',
    async (code) => {
      const { asked, next } = pageReader(answering(failure(code)), resumed)
      expect(await codeOfNext(next)).toBe(code)
      expect(asked).toHaveLength(1)
    },
  )

  test('is not refused when the call that failed had none', async () => {
    const { asked, next } = pageReader(answering(refused), { settings, scans: statesOf(), endsWhen: 'caught-up' })
    expect(await codeOfNext(next)).toBe('source.request-refused')
    expect(asked).toHaveLength(1)
  })
})

describe('a scan whose checkPoint was refused', () => {
  test('resumes at its last time minus the overlap where its times have shown an order, with the next number', async () => {
    const scan = { ...live, times: orderedUpTo('2026-06-15T12:30:00') }
    const scans = statesOf({ lastScanNumber: 7, live: { startedAt: noon, scan } })
    const { asked, next } = pageReader(refusing, { settings, scans })
    expect(await next()).toMatchObject({ scan: { number: 8, startedAt: noon } })
    expect(asked.at(-1)).toMatchObject({ lastChanged: '2026-06-15T12:29:45', checkPoint: null, at: noon })
  })

  test('begins again at its beginning otherwise; a live one when the next one is due', async () => {
    const { asked, next } = pageReader(refusing, resumed)
    await next()
    const scans = statesOf({ background: [scanOf({ ...HISTORY, from: beginAt })], history: historyOf('first') })
    const beside = pageReader(refusing, { settings, scans })
    await beside.read(2)
    const history = beside.asked.filter(({ lastChanged }) => lastChanged <= beginAt)
    expect(asked.at(-1)).toMatchObject({ lastChanged: '2026-06-15T11:59:45', checkPoint: null })
    expect(history.at(-1)?.checkPoint).toBeNull()
  })

  test('is backed off when it loses its place again and again without reading more, and live scans continue', async () => {
    const scans = statesOf({
      background: [scanOf({ ...HISTORY, from: beginAt, lastChanged: beginAt, pages: 1 })],
      history: historyOf('first'),
    })
    const respond: Respond = ({ checkPoint, lastChanged }) => {
      if (checkPoint !== null) return refused
      return lastChanged === beginAt
        ? pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: token('t2') })
        : pageOf([])
    }
    const { clock, next, of } = pageReader(respond, { settings, scans })
    while (clock.now() < noon + HOUR) await next()
    const pauses = of('scan-backed-off').map(({ pauseMs, code }) => [pauseMs / MINUTE, code])
    expect(pauses.slice(0, 3)).toEqual([1, 2, 4].map((minutes) => [minutes, 'source.stuck']))
    expect(of('scan-started').filter(({ scan }) => scan === 'live').length).toBeGreaterThan(700)
  })
})
