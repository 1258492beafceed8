import { describe, expect, test } from 'vitest'
import { type PageReading, type ReaderParts, readPages } from '../../../connector/pipeline/page-reader.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { createServerClock } from '../../../connector/pipeline/server-clock.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { pollSettings, settled } from './open-parts.ts'
import { noon, pageOf, resumePoint, token } from './readings.ts'
import { type Answer, drainOf, scriptedSource } from './scripted-source.ts'

const due = resumePoint({ drain: 'due', startedAt: null })
const stopped = new DOMException('stop', 'AbortError')

function reader(answers: readonly Answer[], from = due, settings = pollSettings) {
  const clock = virtualClock(noon)
  const source = scriptedSource(answers)
  const events: PipelineEvent[] = []
  const stopping = new AbortController()
  let missing = 0
  const serverClock = createServerClock(clock, () => (missing += 1))
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
    const { source, next, events } = reader([pageOf([])], resumePoint({ checkPoint: token('t7') }))
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
      const { pages, source } = reader([error(code), pageOf([])], refused)
      expect(await pages.next()).toEqual({ done: false, value: { kind: 'refused', at: refused } })
      expect(source.asked.map(({ checkPoint }) => checkPoint)).toEqual(['t5', null])
      expect((await pages.next()).done).toBe(true)
    },
  )

  test('is none when the call without it fails, too', async () => {
    const { pages } = reader([error('source.server-error'), error('source.unreachable')], refused)
    expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe('source.unreachable')
  })

  test.each([
    'source.unauthorized',
    'source.forbidden',
    'source.throttled',
    'source.timeout',
    'source.unreachable',
  ] as const)('is none after %s', async (code) => {
    const { pages, source } = reader([error(code)], refused)
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
    const { pages } = reader([error('source.request-refused'), pageOf([])], refused, settings)
    expect(codeOf(await pages.next().catch((reason: unknown) => reason))).toBe('source.checkpoint-refused')
  })
})
