import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ScanOrder } from '../../../connector/scan/scan-order.ts'
import { BACKFILL, LIVE } from '../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { backfillOf } from '../../support/scans.ts'
import { MINUTE, noon, provenUpTo, scanOf, statesOf } from '../scan/scans.ts'
import { failure, nothingProcessed, pageReader, type Respond } from './page-readers.ts'
import { pageOf } from './readings.ts'

const codeOfNext = (next: () => Promise<unknown>) => next().then(String, (error: unknown) => codeOf(error))
const live = scanOf({ kind: 'live', tag: LIVE })
/** In the middle of a live scan, at `t2`. */
const resumed = { settings: { lookBacks: [] }, states: statesOf({ live: { startedAt: noon, scan: live } }) }
const answering = (...answers: readonly ReturnType<Respond>[]) => {
  const left = [...answers]
  return () => left.shift() ?? pageOf([])
}

describe('a checkPoint', () => {
  test('is refused when a call with it is rejected and the same call without it succeeds: the scan begins again', async () => {
    const code = 'source.request-refused'
    const { asked, next, of } = pageReader(
      ({ checkPoint }) => (checkPoint === null ? pageOf([]) : failure(code)),
      resumed,
    )
    expect(await next()).toMatchObject({ isFirst: true, isLast: true })
    expect(asked.map(({ checkPoint }) => checkPoint)).toEqual(['t2', null, null])
    expect(of('checkpoint-refused')).toMatchObject([{ scan: 'live', lastChanged: live.from, error: { code } }])
  })

  test.each(['source.error-document', 'source.function-missing'] as const)(
    'is refused when it fails with %s before and after the call without it',
    async (code) => {
      const broken = failure(code)
      const { asked, next } = pageReader(answering(broken, pageOf([]), broken), resumed)
      expect(await next()).toMatchObject({ isFirst: true })
      expect(asked.map(({ checkPoint }) => checkPoint)).toEqual(['t2', null, 't2', null])
    },
  )

  test('is refused when five calls with it in a row, and one after the call without it, end in a 5xx', async () => {
    const respond: Respond = ({ checkPoint }) => (checkPoint === null ? pageOf([]) : failure('source.server-error'))
    const { asked, next } = pageReader(respond, { ...resumed, retries: Number.POSITIVE_INFINITY })
    expect(await next()).toMatchObject({ isFirst: true })
    expect(asked.map(({ checkPoint }) => checkPoint)).toEqual([...Array(5).fill('t2'), null, 't2', null])
  })

  test('of a background scan is refused when its fifth turn in a row ends in a 5xx', async () => {
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL, failures: 3 })
    const respond: Respond = ({ checkPoint }) => (checkPoint === null ? pageOf([]) : failure('source.server-error'))
    const states = statesOf({ background: [backfill], backfill: backfillOf('first') })
    const { next, of } = pageReader(respond, { ...resumed, states })
    while (of('checkpoint-refused').length === 0) await next()
    expect(of('scan-paused')).toHaveLength(1)
  })

  test('is not refused when it succeeds after an error document and the call without it', async () => {
    const answers = [failure('source.error-document'), pageOf([]), pageOf([{ No: '7' }])]
    const { asked, next } = pageReader(answering(...answers), resumed)
    expect(await next()).toMatchObject({ isFirst: false, page: { clients: [{ No: '7' }] } })
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
    const { asked, next } = pageReader(answering(failure('source.request-refused')), { ...resumed, states: statesOf() })
    expect(await codeOfNext(next)).toBe('source.request-refused')
    expect(asked).toHaveLength(1)
  })
})

describe('a scan whose checkPoint was refused', () => {
  const refusing: Respond = ({ checkPoint, lastChanged }) =>
    checkPoint === null
      ? pageOf([{ No: lastChanged }], { hasMoreResults: true, checkPoint: live.checkPoint })
      : failure('source.request-refused')
  const processed = (order: () => ScanOrder) => ({ ...nothingProcessed, order })

  test.each([
    ['at a modification time minus the overlap when its times have proven an order', '12:30:00', '12:29:45'],
    ['at its start when that is later', '12:00:05', '12:00:00'],
    ['at its start when its times have proven no order', undefined, '12:00:00'],
  ])('begins again %s', async (_where, time, lastChanged) => {
    const order: ScanOrder = time === undefined ? { kind: 'unordered' } : provenUpTo(`2026-06-15T${time}`)
    const { asked, next } = pageReader(answering(failure('source.request-refused')), {
      ...{ ...resumed, processed: processed(() => order) },
    })
    await next()
    expect(asked.at(-1)).toMatchObject({ lastChanged: `2026-06-15T${lastChanged}`, checkPoint: null })
  })

  test('rejects with source.stuck when it is the live one and is refused four times without progress', async () => {
    const { next, of, asked } = pageReader(refusing, resumed)
    for (let page = 0; page < 3; page += 1) await next()
    expect(await codeOfNext(next)).toBe('source.stuck')
    expect(of('checkpoint-refused')).toHaveLength(3)
    expect(asked.length).toBeLessThan(15)
  })

  test('continues for as long as the last modification time advances', async () => {
    let minutes = 0
    const order = () => {
      minutes += 1
      return provenUpTo(`2026-06-15T12:${String(minutes).padStart(2, '0')}:00`)
    }
    const { next, of } = pageReader(refusing, { ...resumed, processed: processed(order) })
    for (let page = 0; page < 10; page += 1) expect(await next()).toMatchObject({ isFirst: true })
    expect(of('checkpoint-refused')).toHaveLength(10)
  })

  test('is followed once by one from its start when it was resumed by a time', async () => {
    const from = '2026-01-01T00:00:00' as SourceTime
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL, from, lastChanged: from, clients: 0 })
    let refusals = 2
    const respond: Respond = ({ checkPoint, lastChanged }) => {
      if (lastChanged > '2026-06') return pageOf([])
      const { checkPoint: next } = backfill
      if (checkPoint === null) return pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: next })
      refusals -= 1
      return refusals >= 0 ? failure('source.request-refused') : pageOf([{ No: '2' }])
    }
    const states = statesOf({ background: [backfill], backfill: backfillOf('first') })
    const settings = { lookBacks: [], intervalMs: 60 * MINUTE }
    const order = () => provenUpTo('2026-03-01T00:00:00')
    const { read, asked } = pageReader(respond, { settings, states, processed: processed(order) })
    const readings = (await read(8)).filter(({ scan }) => scan.kind === 'backfill')
    const begins = asked.filter(({ checkPoint, lastChanged }) => checkPoint === null && lastChanged < '2026-06')
    const resumed = '2026-02-28T23:59:45'
    expect(begins.map(({ lastChanged }) => lastChanged)).toEqual([from, resumed, resumed, resumed, from])
    expect(readings.map(({ isLast }) => isLast)).toEqual([false, false, false, false, true])
  })

  test('pauses when it is a background scan, and the live scan continues', async () => {
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL, refusals: 3 })
    const respond: Respond = ({ checkPoint }) => (checkPoint === null ? pageOf([]) : failure('source.request-refused'))
    const states = statesOf({ background: [backfill], backfill: backfillOf('first') })
    const { next, of, clock } = pageReader(respond, { ...resumed, states })
    for (let page = 0; page < 5; page += 1) expect(await next()).toMatchObject({ scan: { kind: 'live' } })
    expect(of('scan-paused')).toMatchObject([{ scan: 'backfill', code: 'source.stuck' }])
    expect(clock.now()).toBeLessThan(noon + MINUTE)
  })
})
