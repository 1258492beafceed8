import { describe, expect, test } from 'vitest'
import { afterFailure } from '../../../connector/scan/begin-again.ts'
import { configured } from '../../../connector/scan/end-scan.ts'
import {
  BACKFILL,
  FIRST_CONTINUED,
  FIRST_LOOK_BACK,
  FULL,
  LIVE,
  RECHECK,
  type ScanStates,
  scanWith,
} from '../../../connector/scan/scan-state.ts'
import {
  backgroundCandidates,
  type Choice,
  nextChoice,
  type SchedulerParts,
} from '../../../connector/scan/scheduler.ts'
import { backfillOf } from '../../support/scans.ts'
import { documentWith, reloaded, state } from '../checkpoint/documents.ts'
import {
  at,
  DAY,
  dueLookBacks,
  HOUR,
  MINUTE,
  noon,
  noonText,
  provenUpTo,
  SECOND,
  scanOf,
  settings,
  statesOf,
  token,
  unread,
} from './scans.ts'

/** The monotonic clock. */
const now = 1_000_000
const idle = { liveDueAt: now + SECOND, liveMs: 0, background: undefined, waitingSince: new Map<string, number>() }
const liveDue = { ...idle, liveDueAt: now }
type More = Partial<Omit<SchedulerParts, 'settings'>> & { settings?: Partial<SchedulerParts['settings']> }

const partsOf = ({ settings: changed, ...more }: More): SchedulerParts => ({
  ...{
    settings: { ...settings, ...changed },
    recheck: null,
    requested: undefined,
    times: at(noon),
    now,
    load: idle,
  },
  ...more,
})
const choose = (states: ScanStates, more: More = {}): Choice => nextChoice(states, partsOf(more))
const reads = (tag: number) => ({ kind: 'read', tag })
const begins = (kind: string, more: object = {}) => ({ kind: 'begin', scan: { kind, ...more } })

const [short, long] = settings.lookBacks.map(({ reachMs }) => reachMs) as [number, number]
const live = scanOf({ kind: 'live', tag: LIVE })
const shortScan = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, reachMs: short })
const longScan = scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK + 1, reachMs: long })
const backfill = scanOf({ kind: 'backfill', tag: BACKFILL })
const full = scanOf({ kind: 'full', tag: FULL })
const fullScan = { everyMs: 7 * DAY }
const continued = scanOf({ kind: 'live', tag: FIRST_CONTINUED })
const recheckScan = scanOf({ kind: 'look-back', tag: RECHECK })

describe('a live scan goes first', () => {
  const busy = statesOf({ background: [backfill], backfill: backfillOf('first'), lookBacks: dueLookBacks(short, long) })

  test('when it is due, before every background scan', () => {
    expect(choose(busy, { load: liveDue })).toEqual(begins('live'))
    expect(choose(statesOf({ backfill: backfillOf('first') }), { load: liveDue })).toEqual(begins('live'))
  })

  test('at the next page boundary of a background scan, which continues when the live scan is over', () => {
    expect(choose(busy)).toEqual(begins('look-back', { reachMs: short }))
    expect(choose({ ...busy, live: { startedAt: noon, scan: live } }, { load: liveDue })).toEqual(reads(LIVE))
    expect(choose({ ...busy, live: { startedAt: noon, scan: live } })).toEqual(reads(LIVE))
    expect(choose({ ...busy, lookBacks: statesOf().lookBacks })).toEqual(reads(BACKFILL))
  })

  test('and waits for its time when nothing else is due', () => {
    expect(choose(statesOf())).toEqual({ kind: 'wait', ms: SECOND })
    expect(choose(statesOf(), { load: { ...idle, liveDueAt: now + 60 * MINUTE } })).toEqual({
      kind: 'wait',
      ms: settings.intervalMs,
    })
  })
})

describe('one background scan reads at a time', () => {
  const all = statesOf({
    background: [full, backfill, recheckScan, longScan, shortScan, continued],
    backfill: backfillOf('first'),
    fullDueAt: noon,
  })
  const byPriority = [continued, shortScan, longScan, recheckScan, backfill, full]

  test('by priority: continued live scans, shorter look-backs, longer ones, recheck, backfill, full scan', () => {
    for (const [place, scan] of byPriority.entries()) {
      const left = { ...all, background: all.background.filter((one) => byPriority.indexOf(one) >= place) }
      expect(
        choose({ ...left, backfill: backfillOf(place < 5 ? 'first' : 'done') }, { settings: { fullScan } }),
      ).toEqual(reads(scan.tag))
    }
  })

  test('so a due look-back suspends a longer one, the backfill and a full scan', () => {
    for (const suspended of [longScan, backfill, full]) {
      const states = statesOf({ background: [suspended], lookBacks: dueLookBacks(short) })
      expect(choose(states)).toEqual(begins('look-back', { reachMs: short }))
    }
    const shorter = statesOf({ background: [shortScan], lookBacks: dueLookBacks(short, long) })
    expect(choose(shorter)).toEqual(reads(FIRST_LOOK_BACK))
  })

  test('and none begins in the middle of a live scan', () => {
    const inLive = { startedAt: noon, scan: live }
    const starved = { ...idle, liveMs: 10 * SECOND }
    const due = statesOf({ live: inLive, lookBacks: dueLookBacks(short) })
    expect(choose(due, { load: starved })).toEqual(reads(LIVE))
    expect(choose({ ...due, background: [shortScan] }, { load: starved })).toEqual(reads(FIRST_LOOK_BACK))
  })

  test('a paused one is passed over until its pause is over', () => {
    const paused = { ...shortScan, notBefore: noon + MINUTE }
    const states = statesOf({ background: [paused, longScan], lookBacks: dueLookBacks(short) })
    expect(choose(states)).toEqual(reads(longScan.tag))
    expect(choose(states, { times: at(noon + MINUTE) })).toEqual(reads(shortScan.tag))
    const alone = { ...states, background: [{ ...paused, notBefore: noon + 300 }] }
    expect(choose(alone)).toEqual({ kind: 'wait', ms: 300 })
  })
})

describe('a scan becomes due', () => {
  test.each([short, long])('a look-back at its stored time (%d ms)', (reachMs) => {
    const states = statesOf({ lookBacks: dueLookBacks(reachMs) })
    expect(choose(states, { times: at(noon - 1) })).toMatchObject({ kind: 'wait', ms: 1 })
    expect(choose(states)).toEqual(begins('look-back', { reachMs }))
  })

  test('the backfill until it is done', () => {
    expect(choose(statesOf({ backfill: backfillOf('first') }))).toEqual(begins('backfill'))
    expect(choose(statesOf({ backfill: backfillOf('done') })).kind).toBe('wait')
  })

  test('a recheck a minute after the last superseded client, once no background scan is in progress', () => {
    const recheck = { from: noonText, after: 0, dueAt: noon + MINUTE }
    expect(choose(statesOf(), { recheck, times: at(noon + MINUTE - 200) })).toEqual({ kind: 'wait', ms: 200 })
    const later = { recheck, times: at(noon + MINUTE) }
    const states = statesOf({ lookBacks: [] })
    expect(choose(states, later)).toEqual(begins('recheck', { from: noonText }))
    expect(choose({ ...states, background: [backfill] }, later)).toEqual(reads(BACKFILL))
  })

  test('each at once when a clock that was wrong has stored a time further away than its period', () => {
    const [tooLate, times] = [noon + 60 * DAY, at(noon)]
    expect(choose(statesOf({ lookBacks: dueLookBacks(short).map((one) => ({ ...one, dueAt: tooLate })) }))).toEqual(
      begins('look-back', { reachMs: short }),
    )
    const none = statesOf({ lookBacks: [] })
    const recheck = { from: noonText, after: 0, dueAt: tooLate }
    expect(choose(none, { recheck, times })).toEqual(begins('recheck', { from: noonText }))
    const paused = { ...none, background: [{ ...backfill, notBefore: tooLate }] }
    expect(choose(paused, { times })).toEqual(reads(BACKFILL))
    const ended = { ...none, background: [{ ...backfill, end: 'repeat' as const, notBefore: noon + 3 * MINUTE }] }
    expect(choose(ended, { times })).toEqual(reads(BACKFILL))
    const full = { ...none, fullDueAt: tooLate }
    expect(choose(full, { times, settings: { fullScan } })).toEqual(begins('full'))
  })

  test('a full scan at its time, but not before the backfill is done', () => {
    const states = statesOf({ fullDueAt: noon })
    expect(choose(states, { settings: { fullScan } })).toEqual(begins('full'))
    expect(
      choose({ ...states, backfill: backfillOf('first'), background: [backfill] }, { settings: { fullScan } }),
    ).toEqual(reads(BACKFILL))
    expect(choose({ ...states, fullDueAt: noon + 1 }, { settings: { fullScan } }).kind).toBe('wait')
  })
})

describe('a backfill that comes before live scans', () => {
  const before = { settings: { backfill: 'before' as const }, load: liveDue }

  test('has the server for itself, without pauses, until it is done', () => {
    const states = statesOf({ backfill: backfillOf('first') })
    const justRead = { ...liveDue, background: { endedAt: now, tookMs: 200 } }
    expect(choose(states, before)).toEqual(begins('backfill'))
    expect(choose({ ...states, background: [backfill] }, { ...before, load: justRead })).toEqual(reads(BACKFILL))
    expect(choose(statesOf(), before)).toEqual(begins('live'))
  })
})

describe('until interleaving is proven', () => {
  const second = { ...backfill, checkPoint: token('t1') }
  const states = statesOf({ interleaving: 'unknown', backfill: backfillOf('first') })

  test('a background scan reads its second page, the first with a token, before a live scan', () => {
    expect(choose({ ...states, background: [second] }, { load: liveDue })).toEqual(reads(BACKFILL))
    expect(choose({ ...states, background: [backfill] }, { load: liveDue })).toEqual(begins('live'))
    const first = { ...backfill, ...unread }
    expect(choose({ ...states, background: [first] }, { load: liveDue })).toEqual(begins('live'))
  })

  test('but not while that scan is paused', () => {
    const paused = { ...second, notBefore: noon + 1 }
    expect(choose({ ...states, background: [paused] }, { load: liveDue })).toEqual(begins('live'))
  })

  test('and not once it is', () => {
    expect(choose({ ...states, interleaving: 'proven', background: [second] }, { load: liveDue })).toEqual(
      begins('live'),
    )
  })
})

describe('on a server that mixes up scans', () => {
  const serial = statesOf({ interleaving: 'serial', backfill: backfillOf('first'), fullDueAt: 0 })

  test('a background scan that has a token is read to its end before any other, the live one included', () => {
    const states = { ...serial, background: [backfill], lookBacks: dueLookBacks(short) }
    expect(choose(states, { load: liveDue })).toEqual(reads(BACKFILL))
  })

  test('a live scan is read to its end before any other', () => {
    const states = { ...serial, live: { startedAt: noon, scan: live }, lookBacks: dueLookBacks(short) }
    expect(choose(states, { load: { ...liveDue, liveMs: 10 * SECOND } })).toEqual(reads(LIVE))
    expect(backgroundCandidates(states, partsOf({}))).toEqual([])
  })

  test('a live scan goes first when none is in progress', () => {
    const waiting = { ...backfill, ...unread }
    expect(choose({ ...serial, background: [waiting] }, { load: liveDue })).toEqual(begins('live'))
    expect(choose({ ...serial, background: [waiting] })).toEqual(reads(BACKFILL))
  })

  test('a live scan is not kept waiting by a paused background scan that can be resumed by a time', () => {
    const proven = { ...backfill, order: provenUpTo('2026-06-15T11:00:00') }
    const paused = afterFailure(proven, serial, { settings, times: at(noon) })
    expect(choose({ ...serial, background: [paused] }, { load: liveDue })).toEqual(begins('live'))
  })

  test('a live scan waits for a background scan that would lose its place, for 15 minutes', () => {
    const paused = afterFailure(backfill, serial, { settings, times: at(noon) })
    expect(choose({ ...serial, background: [paused] }, { load: liveDue }).kind).toBe('wait')
    const given = afterFailure({ ...backfill, failures: 17 }, serial, { settings, times: at(noon) })
    expect(choose({ ...serial, background: [given] }, { load: liveDue })).toEqual(begins('live'))
  })
})

describe('a restart', () => {
  const restarted = (scans: ScanStates) => {
    const committed = reloaded(documentWith({ committed: { state: { ...state, scans } } })).committed
    return configured(committed.state.scans, { ...settings, fullScan }, at(noon + HOUR))
  }
  const later = { times: at(noon + HOUR), settings: { fullScan } }
  const quiet = statesOf({ lookBacks: statesOf().lookBacks.map((one) => ({ ...one, dueAt: noon + HOUR + MINUTE })) })

  test.each([
    ['a live scan', { live: { startedAt: noon, scan: live } }, LIVE],
    ['a continued live scan', { background: [continued] }, FIRST_CONTINUED],
    ['a short look-back', { background: [shortScan] }, FIRST_LOOK_BACK],
    ['a long look-back', { background: [longScan] }, FIRST_LOOK_BACK + 1],
    ['a recheck', { background: [recheckScan] }, RECHECK],
    ['the backfill', { background: [backfill], backfill: backfillOf('first') }, BACKFILL],
    ['a full scan', { background: [full], fullDueAt: noon }, FULL],
  ])('in the middle of %s continues at the same page', (_what, inProgress, tag) => {
    const before = { ...quiet, ...inProgress }
    const states = restarted(before)
    expect(choose(states, later)).toEqual(reads(tag))
    expect(scanWith(states, tag)).toEqual(scanWith(before, tag))
  })

  test('keeps due times, so that a look-back that was not due is not due after it', () => {
    expect(choose(restarted(quiet), later).kind).toBe('wait')
    const overdue = { ...quiet, lookBacks: dueLookBacks(long) }
    expect(choose(restarted(overdue), later)).toEqual(begins('look-back', { reachMs: short }))
  })
})
