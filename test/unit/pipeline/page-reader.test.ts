import { describe, expect, test } from 'vitest'
import type { ResumePoint } from '../../../connector/checkpoint/stream-state.ts'
import { type PageReading, type ReaderParts, readPages } from '../../../connector/pipeline/page-reader.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import type { PollSettings } from '../../../connector/pipeline/polling.ts'
import { createServerClock } from '../../../connector/pipeline/server-clock.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { pollSettings, settled } from './open-parts.ts'
import { noon, pageOf, resumePoint, token } from './readings.ts'
import { type Answer, drainOf, scriptedSource } from './scripted-source.ts'

const due = resumePoint({ drain: 'due', startedAt: null })
const time = (text: string) => text as SourceTime
const stopped = new DOMException('stop', 'AbortError')

interface Start {
  readonly from?: ResumePoint
  readonly settings?: PollSettings
  /** What the server's clock has shown already. */
  readonly serverTime?: number
}

function reader(answers: readonly Answer[], { from = due, settings = pollSettings, serverTime }: Start = {}) {
  const clock = virtualClock(noon)
  const source = scriptedSource(answers)
  const events: PipelineEvent[] = []
  const stopping = new AbortController()
  let missing = 0
  const serverClock = createServerClock(clock, () => (missing += 1))
  if (serverTime !== undefined) serverClock.learn(pageOf([], { serverTime }))
  const parts: ReaderParts = { source, clock, serverClock, settings, observe: (event) => events.push(event) }
  const pages = readPages(parts, from, stopping.signal)
  const next = async () => (await pages.next()).value as PageReading
  return { clock, source, events, stopping, pages, next, missing: () => missing }
}

const error = (code: ErrorCode) => new ConnectorError(code, 'scripted')
const refused = resumePoint({ checkPoint: token('t5') })

describe('reading pages', () => {
  test('Invariant 5: the drain goes on with the latest checkPoint and the same arguments until the flag ends it', async () => {
    const { source, next } = reader(drainOf(3))
    const pages = [await next(), await next(), await next()]
    expect(source.asked.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', 't2'])
    expect(new Set(source.asked.map((at) => JSON.stringify({ ...at, checkPoint: null }))).size).toBe(1)
    expect(pages.map(({ beginsDrain, isLastOfDrain }) => [beginsDrain, isLastOfDrain])).toEqual([
      [true, false],
      [false, false],
      [false, true],
    ])
    expect(pages.map(({ freezeFrom }) => freezeFrom)).toEqual(['2026-06-15T10:59:00', undefined, undefined])
    expect(pages[2]?.next).toMatchObject({ drain: 'due', checkPoint: null, startedAt: noon })
  })

  test('goes on in the middle of a drain where the checkpoint stands', async () => {
    const { source, next, events } = reader([pageOf([])], { from: resumePoint({ checkPoint: token('t7') }) })
    expect(await next()).toMatchObject({ beginsDrain: false, freezeFrom: undefined, isLastOfDrain: true })
    expect(source.asked[0]?.checkPoint).toBe('t7')
    expect(events.map(({ kind }) => kind)).toEqual(['page-read'])
  })

  test('polls at once, then at a phase of its own, from start to start', async () => {
    const slow = async () => {
      clock.pass(1_000)
      return pageOf([])
    }
    const { clock, next, source } = reader([slow, slow, pageOf([])])
    await next()
    for (const due of [noon + 2_500, noon + 7_500]) {
      const asked = source.asked.length
      const coming = next()
      await settled()
      expect(clock.nextTimerAt()).toBe(due)
      expect(source.asked).toHaveLength(asked)
      clock.fireNext()
      await coming
    }
    expect(source.asked[1]?.lastChanged).toBe('2026-06-15T11:55:00')
  })

  test('after a drain longer than the interval the next begins at once', async () => {
    const { clock, next } = reader([
      async () => {
        clock.pass(60_000)
        return pageOf([])
      },
      pageOf([]),
    ])
    await next()
    const second = next()
    await settled()
    expect(clock.nextTimerAt()).toBe(noon + 60_000)
    clock.fireNext()
    expect(await second).toMatchObject({ beginsDrain: true })
  })

  test("tells when a page was read by the server's clock, and when the drain before began", async () => {
    const ahead = noon + 600_000
    const { next, clock } = reader([pageOf([], { serverTime: ahead }), pageOf([], { serverTime: ahead + 7_000 })])
    expect(await next()).toMatchObject({ readAt: ahead, previousStartedAt: null })
    const second = next()
    await settled()
    clock.fireNext()
    expect(await second).toMatchObject({ readAt: ahead + 7_000, previousStartedAt: ahead })
  })

  test('without a Date header reads by our clock, and warns once', async () => {
    const { next, clock, missing } = reader([
      pageOf([], { serverTime: undefined }),
      pageOf([], { serverTime: undefined }),
    ])
    expect(await next()).toMatchObject({ readAt: noon, next: { startedAt: noon - 300_000 } })
    const second = next()
    await settled()
    clock.fireNext()
    await second
    expect(missing()).toBe(1)
  })

  describe('when the clocks go back (Paris, 25 October 2026, 03:00 → 02:00) while a drain is asked for', () => {
    const back = Date.parse('2026-10-25T01:00:00Z')
    const before = resumePoint({ drain: 'due', startedAt: back - 300_000, lastChanged: time('2026-10-25T02:45:00') })
    const answer = (serverTime: number) => pageOf([{ No: '1' }], { serverTime })
    const keepToken = { ...pollSettings, tail: 'checkpoint' as const, limit: before.limit }

    test.each([
      ['overlap', before, pollSettings],
      ['checkpoint', { ...before, checkPoint: token('t9') }, keepToken],
    ] as const)('it is asked for once more, from 02:00: tail %s', async (_tail, from, settings) => {
      const late = back + 1_200_000
      const { source, next } = reader([answer(late), answer(late + 1_000)], {
        from,
        settings,
        serverTime: back - 180_000,
      })
      expect(await next()).toMatchObject({ at: { lastChanged: '2026-10-25T02:00:00' }, readAt: late + 1_000 })
      expect(source.asked.map(({ lastChanged, checkPoint }) => [lastChanged, checkPoint])).toEqual([
        [from.checkPoint === null ? '2026-10-25T02:50:00' : from.lastChanged, from.checkPoint],
        ['2026-10-25T02:00:00', null],
      ])
    })

    test('the first page of a drain that goes on is taken as it is', async () => {
      const from = { ...before, drain: 'open', checkPoint: token('t5') } as const
      const { source, next } = reader([answer(back + 1_200_000)], { from, serverTime: back - 180_000 })
      expect(await next()).toMatchObject({ at: from })
      expect(source.asked).toHaveLength(1)
    })

    test('a token that is refused then tells when the drain before began', async () => {
      const from = { ...before, checkPoint: token('t9') }
      const answers = [error('source.request-refused'), answer(back + 1_200_000)]
      const { pages } = reader(answers, { from, settings: keepToken, serverTime: back - 180_000 })
      expect((await pages.next()).value).toMatchObject({ kind: 'refused', at: { startedAt: before.startedAt } })
    })
  })

  test('stops while it waits, and while it reads', async () => {
    const waiting = reader([pageOf([])])
    await waiting.next()
    const second = waiting.next()
    await settled()
    waiting.stopping.abort(stopped)
    await expect(second).rejects.toBe(stopped)

    const busy = reader([])
    const first = busy.next()
    await settled()
    busy.stopping.abort(stopped)
    await expect(first).rejects.toBe(stopped)
  })

  test('Invariant 9: what is not a page is passed on, and moves nothing', async () => {
    for (const code of ['source.answer-malformed', 'source.unreachable', 'source.unauthorized'] as const) {
      const { pages, events } = reader([error(code)])
      expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe(code)
      expect(events.map(({ kind }) => kind)).toEqual(['drain-started'])
    }
  })

  test('a server that pages in a circle stops the stream', async () => {
    const { next, pages } = reader([
      ...drainOf(3).slice(0, 2),
      pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: token('t1') }),
    ])
    await next()
    await next()
    expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe('source.stuck')
  })
})

describe('a checkPoint that is refused', () => {
  test.each(['source.request-refused', 'source.error-document', 'source.server-error'] as const)(
    'fails (%s) while the same call without it succeeds',
    async (code) => {
      const { pages, source } = reader([error(code), pageOf([])], { from: refused })
      expect(await pages.next()).toEqual({ done: false, value: { kind: 'refused', at: refused } })
      expect(source.asked.map(({ checkPoint }) => checkPoint)).toEqual(['t5', null])
      expect((await pages.next()).done).toBe(true)
    },
  )

  test('is none when the call without it fails, too', async () => {
    const { pages } = reader([error('source.server-error'), error('source.unreachable')], { from: refused })
    expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe('source.unreachable')
  })

  test.each([
    'source.unauthorized',
    'source.forbidden',
    'source.throttled',
    'source.timeout',
    'source.unreachable',
  ] as const)('is none after %s', async (code) => {
    const { pages, source } = reader([error(code)], { from: refused })
    expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe(code)
    expect(source.asked).toHaveLength(1)
  })

  test('is none where there was no checkPoint', async () => {
    const { pages, source } = reader([error('source.request-refused')])
    expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe('source.request-refused')
    expect(source.asked).toHaveLength(1)
  })

  test('stops the stream by option', async () => {
    const settings = { ...pollSettings, onRefusedCheckPoint: 'stop' as const }
    const { pages } = reader([error('source.request-refused'), pageOf([])], { from: refused, settings })
    expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe('source.checkpoint-refused')
  })
})
