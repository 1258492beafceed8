import { describe, expect, test } from 'vitest'
import { restartedScan, resumedScan, scansUnderSettings, withNewScan } from '../../../connector/scan/begin-scan.ts'
import type { ScanSettings, Times } from '../../../connector/scan/scan-settings.ts'
import {
  HISTORY,
  LIVE,
  noTimes,
  type ScanName,
  type ScanStates,
  scanNamed,
} from '../../../connector/scan/scan-state.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import { historyOf } from '../../support/scans.ts'
import {
  at,
  beginAt,
  DAY,
  HOUR,
  longLookBack,
  MINUTE,
  noon,
  noonText,
  orderedUpTo,
  SECOND,
  scanOf,
  settings,
  shortLookBack,
  statesOf,
  timeText,
} from './scans.ts'

// Scans begin in given states at given times of both clocks; nothing is read.

const zone = settings.timeZone

function begun(name: ScanName, { from = statesOf(), times = at(noon) }: { from?: ScanStates; times?: Times } = {}) {
  const states = withNewScan(from, name, { settings, beginAt, times })
  const scan = scanNamed(states, name)
  if (scan === undefined) throw new Error('no scan began')
  return { states, scan, from: scan.from }
}

test('a scan begins without a checkPoint, with the configured limit and output, and leaves the others in progress', () => {
  let states = statesOf()
  for (const name of [LIVE, HISTORY, shortLookBack, longLookBack]) {
    const { scan, states: next } = begun(name, { from: states })
    expect(scan).toMatchObject({ ...name, checkPoint: null, limit: 100, output: 'json', number: 0, startedAt: null })
    expect(scan.lastChanged).toBe(scan.from)
    states = next
  }
  expect(states.live.scan).not.toBeNull()
  expect(states.background).toHaveLength(3)
})

describe('a live scan begins', () => {
  test('at the start of the previous one minus the overlap, even after a weekend of downtime', () => {
    expect(begun(LIVE).from).toBe('2026-06-15T11:59:40')
    const from = statesOf({ live: { startedAt: noon - 3 * DAY, scan: null } })
    expect(begun(LIVE, { from }).from).toBe('2026-06-12T11:59:45')
  })

  test('at the creation of the stream minus the overlap when it is the first', () => {
    const from = statesOf({ live: { startedAt: null, scan: null }, createdAt: noon - HOUR })
    expect(begun(LIVE, { from }).from).toBe('2026-06-15T10:59:45')
    const created = statesOf({ live: { startedAt: null, scan: null }, createdAt: null })
    expect(begun(LIVE, { from: created, times: { ours: noon, server: noon - MINUTE } }).from).toBe(
      '2026-06-15T11:58:45',
    )
  })

  test("at the server's clock minus the overlap when that was set back, but by no more than the longest reach", () => {
    expect(begun(LIVE, { times: { ours: noon, server: noon - HOUR } }).from).toBe('2026-06-15T10:59:45')
    const { from } = begun(LIVE, { times: { ours: noon, server: noon - 3 * DAY } })
    expect(from).toBe(wallClock(noon - 5 * SECOND - 26 * HOUR - 15 * SECOND, zone))
  })

  test('where it should when a single answer was an hour ahead', () => {
    const from = statesOf({ live: { startedAt: noon + HOUR, scan: null } })
    expect(begun(LIVE, { from }).from).toBe('2026-06-15T11:59:45')
  })
})

describe('a look-back begins', () => {
  const ran = (startedAt: number) => statesOf({ lookBacks: [{ reachMs: 5 * MINUTE, startedAt }] })

  test('at the start of its own last scan minus its reach, whatever the live scan has read', () => {
    expect(begun(shortLookBack, { from: ran(noon - 2 * DAY) }).from).toBe('2026-06-13T11:55:00')
  })

  test.each([
    ['our clock', { ours: noon - HOUR, server: noon }],
    ["the server's clock", { ours: noon, server: noon - HOUR }],
  ])('at the earlier clock minus its reach when %s is behind its last scan', (_what, times) => {
    expect(begun(shortLookBack, { from: ran(noon), times }).from).toBe('2026-06-15T10:55:00')
  })

  test('never before the configured beginning', () => {
    expect(begun(shortLookBack, { from: ran(Date.parse('2026-01-01T00:00:00+01:00')) }).from).toBe(beginAt)
  })
})

describe('a history begins', () => {
  test('at the configured beginning, or where a rewind says', () => {
    expect(begun(HISTORY, { from: statesOf({ history: historyOf('first') }) }).from).toBe(beginAt)
    const from = timeText('2020-01-01T00:00:00')
    expect(begun(HISTORY, { from: statesOf({ history: historyOf('again', { from }) }) }).from).toBe(from)
  })

  test('at the configured beginning as a full scan, which then counts as not ended', () => {
    const { states, from } = begun(HISTORY)
    expect([from, states.history]).toEqual([beginAt, historyOf('again', { startedAt: noon - DAY })])
  })
})

describe('the text that is sent for an instant', () => {
  /** 03:00 becomes 02:00 in Paris. */
  const back = Date.parse('2026-10-25T01:00:00Z')
  const sent = (instant: number, times: Times) =>
    begun(LIVE, { from: statesOf({ live: { startedAt: instant + 15 * SECOND, scan: null } }), times }).from

  test('is the smallest that a change made since then can carry when the hour of autumn repeats', () => {
    expect(sent(back - 10 * MINUTE, at(back + 5 * MINUTE))).toBe('2026-10-25T02:00:00')
    expect(sent(back - 61 * MINUTE, at(back + 5 * MINUTE))).toBe('2026-10-25T01:59:00')
    expect(sent(back + 10 * MINUTE, at(back + 20 * MINUTE))).toBe('2026-10-25T02:10:00')
  })

  test('is the smallest already in the hour before, since both clocks may be behind', () => {
    expect(sent(back - 20 * MINUTE, at(back - 19 * MINUTE))).toBe('2026-10-25T02:00:00')
    expect(sent(back - 2 * HOUR, at(back - 2 * HOUR + MINUTE))).toBe('2026-10-25T01:00:00')
  })
})

describe('a scan that has lost its place', () => {
  const parts = { settings, times: at(noon + HOUR) }
  const history = scanOf({ lane: 'history', from: beginAt, lastChanged: beginAt })

  test('begins again, as if it had read nothing, while its order is not known', () => {
    for (const times of [noTimes, null, { distinct: 99, last: noonText }]) {
      const again = resumedScan({ ...history, times }, parts)
      expect(again).toEqual(restartedScan({ ...history, times }))
      expect(again).toMatchObject({ lastChanged: beginAt, checkPoint: null, startedAt: null, pages: 0, times: noTimes })
    }
  })

  test('resumes at its last time minus the overlap where its times have shown an order, and keeps its start', () => {
    const again = resumedScan({ ...history, times: orderedUpTo('2026-06-01T08:00:00') }, parts)
    expect(again).toMatchObject({ lastChanged: '2026-06-01T07:59:45', checkPoint: null, startedAt: noon, clients: 200 })
    expect(again.times).toEqual(orderedUpTo('2026-06-01T07:59:45'))
    expect([again.from, again.seenPage, again.pages]).toEqual([beginAt, null, 0])
  })

  test('never resumes before its beginning, and in the repeated hour of autumn from its smallest text', () => {
    expect(resumedScan({ ...history, times: orderedUpTo('2026-01-01T00:00:03') }, parts).lastChanged).toBe(beginAt)
    const back = Date.parse('2026-10-25T01:00:00Z')
    const scan = { ...history, times: orderedUpTo('2026-10-25T02:50:00') }
    expect(resumedScan(scan, { settings, times: at(back + MINUTE) }).lastChanged).toBe('2026-10-25T02:00:00')
  })

  test('may ask for its end once more after it has begun again', () => {
    const scan = { ...history, isEndAskedAgain: true, times: orderedUpTo('2026-06-01T08:00:00') }
    expect([restartedScan(scan).isEndAskedAgain, resumedScan(scan, parts).isEndAskedAgain]).toEqual([false, false])
  })
})

describe('a stream that is opened', () => {
  const opened = (states: ScanStates, more: Partial<ScanSettings> = {}) =>
    scansUnderSettings(states, { ...settings, ...more }, at(noon))
  const history = scanOf({ lane: 'history' })
  const live = scanOf({ lane: 'live' })

  test('looks back to its creation when a look-back was added, or when it is new', () => {
    const added = [...settings.lookBacks, { reachMs: 8 * DAY, everyMs: DAY }]
    expect(opened(statesOf(), { lookBacks: added }).lookBacks[2]).toEqual({ reachMs: 8 * DAY, startedAt: noon - DAY })
    expect(opened(statesOf({ createdAt: null, lookBacks: [] })).lookBacks).toEqual(statesOf().lookBacks)
  })

  test('gives up a look-back in progress that is no longer configured, and no other scan', () => {
    const states = statesOf({ background: [scanOf({ ...shortLookBack }), history, scanOf({ lane: 'catch-up' })] })
    const left = opened(states, { lookBacks: settings.lookBacks.slice(1) })
    expect(left.background.map(({ lane }) => lane)).toEqual(['history', 'catch-up'])
    expect(left.lookBacks.map(({ reachMs }) => reachMs)).toEqual([26 * HOUR])
  })

  test.each([{ limit: 50 }, { output: 'xml' as const }])(
    'Invariant 5: begins its scans again, without their tokens, when the arguments are other ones: %j',
    (more) => {
      const states = statesOf({ background: [history], live: { startedAt: noon, scan: live } })
      const { live: after, background } = opened(states, more)
      expect([after.scan, ...background]).toEqual([live, history].map((scan) => ({ ...restartedScan(scan), ...more })))
    },
  )
})
