import { describe, expect, test } from 'vitest'
import { afterFailure, afterRefusal, afterStuck, followUp, keepsToken } from '../../../connector/scan/begin-again.ts'
import {
  configured,
  continuedInBackground,
  recheckAfter,
  recheckFrom,
  scanDone,
} from '../../../connector/scan/end-scan.ts'
import { noTimes } from '../../../connector/scan/scan-order.ts'
import type { ScanSettings } from '../../../connector/scan/scan-settings.ts'
import {
  BACKFILL,
  FIRST_CONTINUED,
  FIRST_LOOK_BACK,
  FULL,
  LIVE,
  noTokens,
  RECHECK,
  type Scan,
  type ScanStates,
} from '../../../connector/scan/scan-state.ts'
import { backfillOf } from '../../support/scans.ts'
import {
  at,
  beginAt,
  DAY,
  HOUR,
  MINUTE,
  noon,
  noonText,
  provenUpTo,
  SECOND,
  scanOf,
  settings,
  statesOf,
  timeText,
  unread,
} from './scans.ts'

const parts = { settings, beginAt }
const [short, long] = settings.lookBacks.map(({ reachMs }) => reachMs) as [number, number]
const shortScan = (more: Partial<Scan> = {}) =>
  scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK, reachMs: short, from: timeText('2026-06-15T11:55:00'), ...more })
const backfill = (more: Partial<Scan> = {}) => scanOf({ kind: 'backfill', tag: BACKFILL, from: beginAt, ...more })
const live = scanOf({ kind: 'live', tag: LIVE })
const lookBack = ({ lookBacks }: ScanStates, reachMs: number) => lookBacks.find((one) => one.reachMs === reachMs)

describe('a complete scan', () => {
  const ranAt = noon - 10 * MINUTE
  const states = statesOf({
    lookBacks: settings.lookBacks.map(({ reachMs }) => ({ reachMs, startedAt: ranAt, dueAt: noon })),
    background: [shortScan(), backfill()],
    backfill: backfillOf('first'),
    live: { startedAt: ranAt, scan: live },
  })

  test('is no longer in progress, and leaves the others', () => {
    expect(scanDone(states, shortScan(), parts).background).toEqual([backfill()])
    expect(scanDone(states, live, parts)).toMatchObject({
      live: { startedAt: noon, scan: null },
      background: states.background,
    })
  })

  test('of a look-back counts from its start: that is where the next one begins, and it is due `every` later', () => {
    const slow = shortScan({ startedAt: noon + 2 * SECOND, startedAtOurs: noon + SECOND })
    expect(lookBack(scanDone(states, slow, parts), short)).toEqual({
      reachMs: short,
      startedAt: noon + SECOND,
      dueAt: noon + SECOND + MINUTE,
    })
  })

  test('of a longer look-back covers the shorter ones, but not the reverse', () => {
    const longer = shortScan({ tag: FIRST_LOOK_BACK + 1, reachMs: long, from: timeText('2026-06-14T09:50:00') })
    const covered = scanDone(states, longer, parts)
    expect(lookBack(covered, short)).toMatchObject({ startedAt: noon, dueAt: noon + MINUTE })
    expect(lookBack(covered, long)).toMatchObject({ startedAt: noon, dueAt: noon + 6 * HOUR })
    expect(lookBack(scanDone(states, shortScan(), parts), long)).toEqual(lookBack(states, long))
  })

  test('covers a look-back only if it read from where that would have begun', () => {
    const wouldBeginAt = timeText('2026-06-15T11:44:45')
    const other = (from: string) => scanOf({ kind: 'look-back', tag: RECHECK, from: timeText(from) })
    expect(lookBack(scanDone(states, other(wouldBeginAt), parts), short)).toMatchObject({ startedAt: noon })
    expect(lookBack(scanDone(states, other('2026-06-15T11:44:46'), parts), short)).toEqual(lookBack(states, short))
  })

  test('moves a look-back back only if it is its own: then a clock was wrong when that began', () => {
    const newer = { ...states, lookBacks: [{ reachMs: short, startedAt: noon + HOUR, dueAt: noon + 2 * HOUR }] }
    expect(scanDone(newer, backfill(), parts).lookBacks).toEqual(newer.lookBacks)
    expect(scanDone(newer, shortScan(), parts).lookBacks).toMatchObject([{ startedAt: noon, dueAt: noon + MINUTE }])
  })

  test('of the backfill ends it for good, and covers all look-backs', () => {
    const done = scanDone(states, backfill(), parts)
    expect(done.backfill.state).toBe('done')
    expect(done.lookBacks.map(({ startedAt }) => startedAt)).toEqual([noon, noon])
  })

  test('of everything is due again `every` after its start', () => {
    const full = scanOf({ kind: 'full', tag: FULL, from: beginAt })
    const fullScan = { everyMs: 7 * DAY }
    expect(scanDone(states, full, { ...parts, settings: { ...settings, fullScan } }).fullDueAt).toBe(noon + 7 * DAY)
    expect(scanDone(states, full, parts).fullDueAt).toBeNull()
  })

  test('cannot be one without a response', () => {
    expect(() => scanDone(states, shortScan(unread), parts)).toThrow(TypeError)
  })
})

describe('what is to be checked again', () => {
  const recheck = { from: timeText('2026-06-15T11:00:00'), after: 7, dueAt: noon }

  test.each([
    ['is done after a scan that began later and read from its time', 8, '2026-06-15T11:00:00', null],
    ['is done after a scan that read from before its time', 8, '2026-06-15T10:00:00', null],
    ['remains after the last scan that had begun by then', 7, '2026-06-15T11:00:00', recheck],
    ['remains after a scan that read from a later time', 8, '2026-06-15T11:00:01', recheck],
  ])('%s', (_what, ordinal, from, left) => {
    expect(recheckAfter(recheck, { ordinal, from: timeText(from) })).toEqual(left)
  })

  test('remains after a scan that had begun by then, whatever the clocks of two replicas say', () => {
    const ahead = scanOf({ kind: 'look-back', tag: RECHECK, ordinal: 7, startedAtOurs: noon + DAY, from: recheck.from })
    expect(recheckAfter(recheck, ahead)).toEqual(recheck)
  })

  test('stays nothing', () => {
    expect(recheckAfter(null, backfill())).toBeNull()
  })

  const from = (scan: Scan, modifiedAt: number | undefined) =>
    recheckFrom(scan, modifiedAt, { ...parts, times: at(noon + HOUR) })

  test.each(['backfill', 'full', 'look-back'] as const)(
    'begins at the modification time of the client, minus the overlap, in a %s scan',
    (kind) => {
      const scan = scanOf({ kind, tag: BACKFILL, from: beginAt })
      expect(from(scan, Date.parse('2026-03-01T07:00:00Z'))).toBe('2026-03-01T07:59:45')
    },
  )

  test('begins where that scan began when the time is unknown or before that', () => {
    expect(from(shortScan(), undefined)).toBe(shortScan().from)
    expect(from(shortScan(), noon - DAY)).toBe(shortScan().from)
  })

  test('begins at the latest where that scan began by the clock: the clock of a shop may be ahead', () => {
    expect(from(shortScan(), noon + 10 * MINUTE)).toBe('2026-06-15T11:59:45')
  })
})

describe('a live scan that continues in the background', () => {
  const states = statesOf({ live: { startedAt: noon - HOUR, scan: live } })

  test('keeps its place under another tag, and the next live scan begins where it began', () => {
    const continued = continuedInBackground(states, live)
    expect(continued.live).toEqual({ startedAt: noon, scan: null })
    expect(continued.background).toEqual([{ ...live, tag: FIRST_CONTINUED }])
  })

  test('stays a live scan while four others have the tags', () => {
    const four = [12, 13, 14, 15].map((tag) => scanOf({ kind: 'live', tag }))
    const full = { ...states, background: four }
    expect(continuedInBackground(full, live)).toBe(full)
    const two = { ...states, background: four.filter(({ tag }) => tag !== 13) }
    expect(continuedInBackground(two, live).background.at(-1)).toMatchObject({ tag: 13 })
  })
})

describe('a scan whose checkPoint was refused', () => {
  const refused = (more: Partial<Scan>) => afterRefusal(backfill(more), settings, at(noon))

  test('begins again at its start, without a checkPoint, when its times have proven no order', () => {
    const again = refused({ emptyPages: 3, order: { kind: 'unordered' }, hasResumed: true, lastChanged: noonText })
    expect(again).toMatchObject({
      lastChanged: beginAt,
      checkPoint: null,
      tokens: noTokens,
      emptyPages: 0,
      refusals: 1,
    })
    expect(again).toMatchObject({ order: noTimes, hasResumed: false, restarts: 1 })
    expect(refused({}).lastChanged).toBe(beginAt)
  })

  test('is resumed by the time that it has reached, minus the overlap, when its times have proven an order', () => {
    const order = provenUpTo('2026-06-15T12:00:00')
    expect(refused({ order })).toMatchObject({
      lastChanged: '2026-06-15T11:59:45',
      order,
      hasResumed: true,
      restarts: 0,
    })
    expect(refused({ order: provenUpTo(beginAt) })).toMatchObject({ lastChanged: beginAt, hasResumed: false })
  })

  test('counts refusals in a row only while it makes no progress', () => {
    const again = refused({ order: provenUpTo(noonText), lastChanged: beginAt, refusals: 2 })
    expect(again.refusals).toBe(1)
    expect(afterRefusal(again, settings, at(noon)).refusals).toBe(2)
    expect(refused({ refusals: 2 }).refusals).toBe(3)
  })

  test('reads the repeated hour of autumn from its smallest text', () => {
    const back = Date.parse('2026-10-25T01:00:00Z')
    const scan = backfill({ order: provenUpTo('2026-10-25T02:50:00') })
    expect(afterRefusal(scan, settings, at(back + MINUTE)).lastChanged).toBe('2026-10-25T02:00:00')
  })

  test('does not repeat its end a second time', () => {
    expect([refused({ end: 'repeat' }).end, refused({ end: 'none' }).end]).toEqual(['repeated', 'none'])
  })
})

describe('a scan that was resumed by a modification time', () => {
  test('is followed once by itself, from its start', () => {
    const scan = backfill({ hasResumed: true, lastChanged: noonText, pages: 5, order: provenUpTo(noonText) })
    const again = followUp(scan)
    expect(again).toMatchObject({ lastChanged: beginAt, checkPoint: null, startedAt: null, order: noTimes, pages: 0 })
    expect(again).toMatchObject({ hasResumed: false, isFollowUp: true, ordinal: scan.ordinal, restarts: 1 })
    expect(followUp(backfill())).toBeUndefined()
    expect(followUp(backfill({ hasResumed: true, isFollowUp: true }))).toBeUndefined()
  })
})

describe('a stuck scan', () => {
  test('begins again', () => {
    const stuck = backfill({ lastChanged: noonText, emptyPages: 7, refusals: 2, order: provenUpTo(noonText) })
    expect(afterStuck(stuck, noon)).toMatchObject({
      ...{ lastChanged: beginAt, checkPoint: null, tokens: noTokens, emptyPages: 0, refusals: 0, order: noTimes },
      restarts: 1,
    })
  })

  test('pauses for a minute, doubling up to an hour, in the background', () => {
    const pauses = [0, 1, 2, 5, 6, 20].map((restarts) => afterStuck(backfill({ restarts }), noon).notBefore - noon)
    expect(pauses).toEqual([1, 2, 4, 32, 60, 60].map((minutes) => minutes * MINUTE))
  })

  test('does not pause when it is the live one', () => {
    expect(afterStuck(live, noon).notBefore).toBe(0)
  })
})

describe('a background scan whose page cannot be read', () => {
  const failed = (scan: Scan, interleaving: ScanStates['interleaving'] = 'proven') =>
    afterFailure(scan, { interleaving }, { settings, times: at(noon) })

  test('asks for the same page again after a minute, doubling up to an hour', () => {
    expect(failed(backfill())).toEqual({ ...backfill(), failures: 1, notBefore: noon + MINUTE })
    expect(failed(backfill({ failures: 9 })).notBefore).toBe(noon + HOUR)
  })

  test('is resumed by a time on a server that mixes up scans, as live scans read meanwhile', () => {
    const pause = { failures: 1, notBefore: noon + MINUTE, refusals: 0, checkPoint: null, tokens: noTokens }
    expect(failed(backfill({ order: provenUpTo(noonText) }), 'serial')).toMatchObject({
      ...pause,
      lastChanged: '2026-06-15T11:59:45',
    })
  })

  test('asks for the page with its token for 15 minutes on such a server when its times have proven no order', () => {
    let scan = backfill()
    let now = noon
    while (scan.checkPoint !== null) {
      scan = afterFailure(scan, { interleaving: 'serial' }, { settings, times: at(now) })
      if (scan.checkPoint !== null) now = scan.notBefore
    }
    expect(now - noon).toBeGreaterThan(13 * MINUTE)
    expect(now - noon).toBeLessThanOrEqual(15 * MINUTE)
    expect(scan).toMatchObject({ lastChanged: beginAt, tokens: noTokens })
    expect(keepsToken(scan, { interleaving: 'serial' })).toBe(false)
  })
})

describe('a stream that is opened', () => {
  const opened = (states: ScanStates, more: Partial<ScanSettings> = {}, instant = noon) =>
    configured(states, { ...settings, ...more }, at(instant))

  test('keeps its due times, those that are over included', () => {
    const states = statesOf()
    expect(opened(states)).toEqual(states)
    expect(opened(states, {}, noon + DAY)).toEqual(states)
  })

  test('looks back after one period when it is new, as its backfill reads the same', () => {
    const fresh = statesOf({ createdAt: null, lookBacks: [] })
    expect(opened(fresh).lookBacks).toEqual(statesOf().lookBacks)
  })

  test('looks back at once, to its creation, when the look-back was added', () => {
    const added = [...settings.lookBacks, { reachMs: 8 * DAY, everyMs: DAY }]
    expect(opened(statesOf(), { lookBacks: added }).lookBacks).toEqual([
      ...statesOf().lookBacks,
      { reachMs: 8 * DAY, startedAt: noon - DAY, dueAt: noon },
    ])
  })

  test('gives up a look-back in progress that is no longer configured, and no other', () => {
    const states = statesOf({ background: [shortScan(), backfill(), scanOf({ kind: 'live', tag: FIRST_CONTINUED })] })
    const left = opened(states, { lookBacks: settings.lookBacks.slice(1) })
    expect(left.background.map(({ tag }) => tag)).toEqual([BACKFILL, FIRST_CONTINUED])
    expect(left.lookBacks.map(({ reachMs }) => reachMs)).toEqual([long])
  })

  test('begins full scans one period after they were configured, and gives one up when they no longer are', () => {
    const fullScan = { everyMs: DAY }
    expect(opened(statesOf(), { fullScan }).fullDueAt).toBe(noon + DAY)
    const inProgress = statesOf({ fullDueAt: noon - 5, background: [scanOf({ kind: 'full', tag: FULL })] })
    expect(opened(inProgress, { fullScan })).toMatchObject({ fullDueAt: noon - 5, background: [{ tag: FULL }] })
    expect(opened(inProgress)).toMatchObject({ fullDueAt: null, background: [] })
  })

  test('begins its background scans again while interleaving is not proven, as only its own can prove it', () => {
    const unproven = opened(statesOf({ interleaving: 'unknown', background: [backfill()] }))
    expect(unproven.background).toEqual([
      { ...backfill(), lastChanged: beginAt, checkPoint: null, tokens: noTokens, restarts: 1 },
    ])
  })
})
