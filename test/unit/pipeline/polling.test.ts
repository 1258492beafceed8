import { describe, expect, test } from 'vitest'
import type { ResumePoint } from '../../../connector/checkpoint/stream-state.ts'
import {
  drainGuard,
  latestReading,
  nextRead,
  nextStep,
  type PollSettings,
  readAgain,
} from '../../../connector/pipeline/polling.ts'
import type { CheckPoint, Page, SourceTime } from '../../../connector/source/client-source.ts'

const MINUTE = 60_000
const settings: PollSettings = {
  intervalMs: 5_000,
  overlapMs: 5 * MINUTE,
  tail: 'overlap',
  onRefusedCheckPoint: 'read-again',
  maxEmptyPages: 100,
  limit: 100,
  output: 'json',
  timeZone: 'Europe/Paris',
}
const keepToken: PollSettings = { ...settings, tail: 'checkpoint' }
const time = (text: string) => text as SourceTime
const token = (text: string) => text as CheckPoint
/** Noon in Paris. */
const noon = Date.parse('2026-06-15T10:00:00Z')

const due: ResumePoint = {
  lastChanged: time('2026-06-15T11:00:00'),
  checkPoint: null,
  limit: 100,
  output: 'json',
  drain: 'due',
  startedAt: noon,
  lastModifiedAt: time('2026-06-15T11:59:00'),
}
const open: ResumePoint = { ...due, drain: 'open', checkPoint: token('t1') }
const fresh: ResumePoint = { ...due, startedAt: null, lastModifiedAt: null }

describe('the next read', () => {
  test('Invariant 5: within a drain has the arguments that the checkPoint came with, whatever the settings say now', () => {
    const changed = { ...settings, limit: 7, output: 'xml' as const, overlapMs: 0 }
    expect(nextRead(open, changed, noon)).toEqual({ at: open, beginsDrain: false, freezeFrom: undefined })
  })

  test('of a new stream begins where the stream begins, without a checkPoint', () => {
    expect(nextRead(fresh, settings, noon)).toEqual({
      at: { ...fresh, drain: 'open' },
      beginsDrain: true,
      freezeFrom: '2026-06-15T10:59:00',
    })
  })

  test('between drains goes back to the start of the drain before, minus the overlap, without a checkPoint', () => {
    const { at, beginsDrain, freezeFrom } = nextRead({ ...due, checkPoint: token('t9') }, settings, noon + 3_600_000)
    expect(at).toEqual({
      ...due,
      lastChanged: '2026-06-15T11:55:00',
      drain: 'open',
      startedAt: null,
      lastModifiedAt: null,
    })
    expect(beginsDrain).toBe(true)
    // The window keeps what this can bring back, and a minute more.
    expect(freezeFrom).toBe('2026-06-15T11:54:00')
  })

  test('is the same however far our clock is behind the server', () => {
    expect(nextRead(due, settings, noon - 3 * 3_600_000)).toEqual(nextRead(due, settings, noon))
  })

  test('changed settings apply from the next drain', () => {
    expect(nextRead(due, { ...settings, limit: 7, output: 'xml' }, noon).at).toMatchObject({ limit: 7, output: 'xml' })
  })

  test('the minute to spare may reach into the day before', () => {
    const midnight = { ...due, startedAt: Date.parse('2026-06-14T22:05:30Z') }
    expect(nextRead(midnight, settings, noon)).toMatchObject({
      at: { lastChanged: '2026-06-15T00:00:30' },
      freezeFrom: '2026-06-14T23:59:30',
    })
  })
})

describe('when the clocks go back (Paris, 25 October 2026, 03:00 → 02:00)', () => {
  const back = Date.parse('2026-10-25T01:00:00Z')
  const readFrom = (startedAt: number, now: number) => nextRead({ ...due, startedAt }, settings, now).at.lastChanged

  test('a poll across the change reads from 02:00, the smallest reading of the time between', () => {
    expect(readFrom(back - MINUTE, back + MINUTE)).toBe('2026-10-25T02:00:00')
    expect(readFrom(back + MINUTE, back + 2 * MINUTE)).toBe('2026-10-25T02:00:00')
  })

  test('also when the change is only a moment away: the request may arrive after it', () => {
    expect(readFrom(back - 20 * MINUTE, back - 1000)).toBe('2026-10-25T02:00:00')
    expect(readFrom(back - 20 * MINUTE, back - 2 * MINUTE)).toBe('2026-10-25T02:35:00')
  })

  test('a poll from before the repeated hour reads from there', () => {
    expect(readFrom(back - 2 * 60 * MINUTE, back + MINUTE)).toBe('2026-10-25T00:55:00')
  })

  test('long after it, everything is as always', () => {
    expect(readFrom(back + 60 * MINUTE, back + 61 * MINUTE)).toBe('2026-10-25T02:55:00')
  })

  test('nothing that was readable then counts as changed earlier than it may have been', () => {
    const latest = (now: number) => latestReading(page({ serverTime: now }), now, 'Europe/Paris')
    expect(latest(back - 3 * 60 * MINUTE)).toBe('2026-10-25T00:00:00')
    // 02:30 for the second time: a client may have changed at 02:59 for the first.
    expect(latest(back + 30 * MINUTE) >= '2026-10-25T02:59:59').toBe(true)
    expect(latest(back + 119 * MINUTE) >= '2026-10-25T03:59:00').toBe(true)
    expect(latest(noon)).toBe('2026-06-15T12:00:00')
  })

  test('by our clock five minutes more: without a Date header nobody knows how far ahead the server is', () => {
    expect(latestReading(page({ serverTime: undefined }), noon, 'Europe/Paris')).toBe('2026-06-15T12:05:00')
  })

  test('in spring nothing special happens', () => {
    const forward = Date.parse('2026-03-29T01:00:00Z')
    expect(readFrom(forward + MINUTE, forward + 2 * MINUTE)).toBe('2026-03-29T01:56:00')
  })
})

describe('tail: checkpoint', () => {
  const tail: ResumePoint = { ...due, checkPoint: token('t9') }

  test('Invariant 5: goes on with the last token and the arguments that it came with', () => {
    expect(nextRead(tail, keepToken, noon + MINUTE)).toEqual({
      at: { ...tail, drain: 'open', startedAt: null, lastModifiedAt: null },
      beginsDrain: true,
      freezeFrom: undefined,
    })
  })

  test.each([
    ['the limit changed', tail, { ...keepToken, limit: 7 }],
    ['the output changed', tail, { ...keepToken, output: 'xml' as const }],
    ['there is no token', { ...tail, checkPoint: null }, keepToken],
    ['the option was taken back', tail, settings],
  ])('makes an overlap drain when %s', (_what, resume, now) => {
    expect(nextRead(resume, now, noon + MINUTE).at).toMatchObject({
      lastChanged: '2026-06-15T11:55:00',
      checkPoint: null,
      limit: now.limit,
      output: now.output,
    })
  })

  test('makes an overlap drain after an autumn change', () => {
    const back = Date.parse('2026-10-25T01:00:00Z')
    const before = { ...tail, startedAt: back - MINUTE }
    expect(nextRead(before, keepToken, back - 1000).at.checkPoint).toBe('t9')
    expect(nextRead(before, keepToken, back + MINUTE).at).toMatchObject({
      checkPoint: null,
      lastChanged: '2026-10-25T02:00:00',
    })
  })
})

function page(more: Partial<Page>): Page {
  return {
    clients: [{ No: '1' }],
    hasMoreResults: true,
    checkPoint: token('t2'),
    serverTime: noon + MINUTE,
    tookMs: 250.4,
    bytes: 10,
    ...more,
  }
}
const step = (read: Page, at: ResumePoint, guard = drainGuard(at), now = noon + 30 * MINUTE, by = settings) =>
  nextStep(read, at, { guard, settings: by, now, before: due })
const first: ResumePoint = { ...due, drain: 'open', checkPoint: null, startedAt: null, lastModifiedAt: null }

describe('where a page leads', () => {
  test('Invariant 5: to the same arguments with its checkPoint, while there is more', () => {
    expect(step(page({}), open)).toEqual({ kind: 'more', resume: { ...open, checkPoint: 't2' } })
  })

  test('only the flag ends a drain: an empty page does not', () => {
    expect(step(page({ clients: [] }), open).kind).toBe('more')
    expect(step(page({ hasMoreResults: false }), open).kind).toBe('drained')
  })

  test('at the end of a drain the token is forgotten, or kept by option', () => {
    const last = page({ hasMoreResults: false })
    expect(step(last, open)).toMatchObject({ resume: { drain: 'due', checkPoint: null, startedAt: noon } })
    expect(step(last, open, drainGuard(open), noon, keepToken)).toMatchObject({ resume: { checkPoint: 't2' } })
    const silent = { ...last, checkPoint: null }
    expect(step(silent, open, drainGuard(open), noon, keepToken)).toMatchObject({ resume: { checkPoint: 't1' } })
  })

  test("a drain starts when its first answer began, by the server's clock, and that stays", () => {
    expect(step(page({}), first)).toMatchObject({ resume: { startedAt: noon + MINUTE - 251 } })
    expect(step(page({ serverTime: noon + 9 * MINUTE }), open)).toMatchObject({ resume: { startedAt: noon } })
  })

  test('Invariant 2: no drain starts before the one before it, however long its first answer took', () => {
    expect(step(page({ tookMs: 5 * MINUTE }), first)).toMatchObject({ resume: { startedAt: noon } })
  })

  test('without a Date header it starts by our clock, five minutes earlier', () => {
    expect(step(page({ serverTime: undefined }), first)).toMatchObject({
      resume: { startedAt: noon + 30 * MINUTE - 5 * MINUTE - 251 },
    })
  })
})

describe('guards', () => {
  /** Follows the tokens of one drain; says where it got stuck. */
  function follow(pages: readonly Page[], from = first, by = settings): string | undefined {
    const guard = drainGuard(from)
    let at = from
    for (const [index, read] of pages.entries()) {
      const next = step(read, at, guard, noon, by)
      if (next.kind === 'stuck') return `${index + 1}: ${next.why}`
      at = next.resume
    }
    return undefined
  }
  const tokens = (...texts: string[]) => texts.map((text) => page({ checkPoint: token(text) }))

  test('the same token twice is a circle', () => {
    expect(follow(tokens('a', 'a'))).toBe('2: with a checkPoint that this drain had before')
  })

  test('A, B, A, B is one too', () => expect(follow(tokens('a', 'b', 'a', 'b'))).toMatch(/^3: /))

  test('the token that the drain goes on from counts', () => expect(follow(tokens('t1'), open)).toMatch(/^1: /))

  test('a token seen in another drain does not', () => {
    expect(follow(tokens('a', 'b'))).toBeUndefined()
    expect(follow(tokens('a', 'b'))).toBeUndefined()
  })

  test('no token while more is promised leads nowhere', () => {
    expect(follow([page({ checkPoint: null })])).toBe('1: without a checkPoint')
  })

  const empty = (count: number) =>
    Array.from({ length: count }, (_, index) => page({ clients: [], checkPoint: token(`e${index}`) }))

  test('a hundred pages in a row without a client are too many', () => {
    expect(follow(empty(99))).toBeUndefined()
    expect(follow(empty(100))).toBe('100: after 100 pages in a row without a client')
    expect(follow(empty(3), first, { ...settings, maxEmptyPages: 3 })).toMatch(/^3: /)
  })

  test('one client in between begins the count again', () => {
    const [, ...rest] = empty(100)
    expect(
      follow([...empty(99), page({}), ...rest.map((one, index) => ({ ...one, checkPoint: token(`f${index}`) }))]),
    ).toBeUndefined()
  })
})

describe('after a refused token', () => {
  const refused: ResumePoint = { ...open, lastChanged: time('2026-06-15T08:00:00') }

  test('the drain is read again from its beginning where no modification time is mapped', () => {
    expect(readAgain({ ...refused, lastModifiedAt: null }, settings, noon)).toEqual({
      ...refused,
      checkPoint: null,
      drain: 'refused',
      lastModifiedAt: null,
    })
  })

  test("else from the last client's time minus the overlap", () => {
    expect(readAgain(refused, settings, noon)).toMatchObject({
      lastChanged: '2026-06-15T11:54:00',
      checkPoint: null,
      drain: 'refused',
      startedAt: noon,
    })
  })

  test('never from before the beginning of the drain', () => {
    const early = { ...refused, lastModifiedAt: time('2026-06-15T08:03:00') }
    expect(readAgain(early, settings, noon).lastChanged).toBe('2026-06-15T08:00:00')
  })

  test('from the beginning when the clocks went back meanwhile', () => {
    const back = Date.parse('2026-10-25T01:00:00Z')
    const resume = {
      ...refused,
      lastChanged: time('2026-10-25T00:10:00'),
      startedAt: back - 30 * MINUTE,
      lastModifiedAt: time('2026-10-25T02:50:00'),
    }
    expect(readAgain(resume, settings, back + 5 * MINUTE).lastChanged).toBe('2026-10-25T00:10:00')
  })

  test('the next read reaches back as far as the next drain would have: what became visible late hides behind the token', () => {
    // The drain has got past its own start.
    const restart = readAgain({ ...refused, lastModifiedAt: time('2026-06-15T12:07:00') }, settings, noon + 8 * MINUTE)
    expect(nextRead(restart, settings, noon + 8 * MINUTE).at.lastChanged).toBe('2026-06-15T11:55:00')
  })

  describe('shortly before the clocks go back (Paris, 25 October 2026, 03:00 → 02:00)', () => {
    const back = Date.parse('2026-10-25T01:00:00Z')
    const resume = { ...refused, lastChanged: time('2026-10-25T02:45:00'), startedAt: back - 8 * MINUTE }
    const restarts = [
      ['from the beginning', readAgain({ ...resume, lastModifiedAt: null }, settings, back - 5 * MINUTE)],
      [
        'from the last client',
        readAgain({ ...resume, lastModifiedAt: time('2026-10-25T02:53:00') }, settings, back - 5 * MINUTE),
      ],
    ] as const

    test.each(restarts)('and read only afterwards, it is read from 02:00: %s', (_where, restart) => {
      expect(nextRead(restart, settings, back + 20 * MINUTE).at.lastChanged).toBe('2026-10-25T02:00:00')
    })

    test.each(restarts)('the window keeps what the drains after that will bring back: %s', (_where, restart) => {
      const { at, freezeFrom } = nextRead(restart, settings, back - 5 * MINUTE)
      expect(at.lastChanged >= '2026-10-25T02:45:00').toBe(true)
      expect(freezeFrom).toBe('2026-10-25T01:59:00')
    })
  })

  test('the next read begins a drain there, and the window keeps what that can bring back', () => {
    const { at, freezeFrom } = nextRead(readAgain(refused, settings, noon), { ...settings, limit: 7 }, noon)
    expect(at).toMatchObject({ lastChanged: '2026-06-15T11:54:00', checkPoint: null, limit: 7 })
    expect(freezeFrom).toBe('2026-06-15T11:53:00')
  })
})
