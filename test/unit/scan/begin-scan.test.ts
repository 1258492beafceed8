import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Beginning, beginScan, reading } from '../../../connector/scan/begin-scan.ts'
import type { Times } from '../../../connector/scan/scan-settings.ts'
import { BACKFILL, FULL, LIVE, RECHECK, type ScanStates, scanWith } from '../../../connector/scan/scan-state.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import {
  at,
  beginAt,
  DAY,
  HOUR,
  MINUTE,
  noon,
  noonText,
  SECOND,
  scanOf,
  settings,
  statesOf,
  timeText,
} from './scans.ts'

const zone = settings.timeZone

function begun(
  beginning: Beginning,
  { from = statesOf(), times = at(noon) }: { from?: ScanStates; times?: Times } = {},
) {
  const { states, tag } = beginScan(from, beginning, { settings, beginAt, times })
  const scan = scanWith(states, tag)
  if (scan === undefined) throw new Error('no scan began')
  return { states, scan, from: scan.from, tag }
}
const lookBack = (reachMs: number): Beginning => ({ kind: 'look-back', reachMs })

describe('a scan begins', () => {
  test('without a checkPoint, with the configured limit and output', () => {
    for (const kind of ['live', 'backfill', 'full'] as const) {
      const { scan } = begun({ kind })
      expect(scan).toMatchObject({ kind, checkPoint: null, limit: 100, output: 'json', number: 0, startedAt: null })
      expect(scan.lastChanged).toBe(scan.from)
    }
  })

  test('under a tag of its own, and leaves the others in progress', () => {
    let states = statesOf()
    const beginnings: Beginning[] = [
      { kind: 'live' },
      { kind: 'backfill' },
      { kind: 'full' },
      { kind: 'recheck', from: noonText },
      lookBack(5 * MINUTE),
      lookBack(26 * HOUR),
    ]
    for (const beginning of beginnings) states = begun(beginning, { from: states }).states
    expect(states.live.scan?.tag).toBe(LIVE)
    expect(states.background.map(({ tag }) => tag)).toEqual([BACKFILL, FULL, RECHECK, 4, 5])
  })

  test('and the earliest time from which any scan has read is known', () => {
    const [early, late] = [timeText('2020-01-01T00:00:00'), timeText('2026-03-01T00:00:00')]
    const earliestAfter = (earliest: typeof early | null) =>
      begun({ kind: 'full' }, { from: statesOf({ earliest }) }).states.earliest
    expect([earliestAfter(null), earliestAfter(late), earliestAfter(early)]).toEqual([beginAt, beginAt, early])
  })

  test.each(['backfill', 'full'] as const)('at the configured beginning: %s', (kind) => {
    expect(begun({ kind }).from).toBe(beginAt)
  })
})

describe('a live scan begins', () => {
  const live = { kind: 'live' } as const

  test('at the start of the previous one minus the overlap', () => {
    expect(begun(live).from).toBe('2026-06-15T11:59:40')
  })

  test('at the creation of the stream minus the overlap when it is the first', () => {
    const from = statesOf({ live: { startedAt: null, scan: null }, createdAt: noon - HOUR })
    expect(begun(live, { from }).from).toBe('2026-06-15T10:59:45')
    const created = statesOf({ live: { startedAt: null, scan: null }, createdAt: null })
    expect(begun(live, { from: created, times: { ours: noon, server: noon - MINUTE } }).from).toBe(
      '2026-06-15T11:58:45',
    )
  })

  test('where the previous one began even after a weekend of downtime', () => {
    const from = statesOf({ live: { startedAt: noon - 3 * DAY, scan: null } })
    expect(begun(live, { from }).from).toBe('2026-06-12T11:59:45')
  })

  test("at the server's clock minus the overlap when that was set back", () => {
    const { from, states } = begun(live, { times: { ours: noon, server: noon - HOUR } })
    expect(from).toBe('2026-06-15T10:59:45')
    expect(states.lookBacks).toEqual(statesOf().lookBacks)
  })

  test('no further back than the longest reach, and the longest look-back reads the rest at once, when that was set back by days', () => {
    const times = { ours: noon, server: noon - 3 * DAY }
    const { from, states } = begun(live, { times })
    expect(from).toBe(wallClock(noon - 5 * SECOND - 26 * HOUR - 15 * SECOND, zone))
    expect(states.lookBacks.map(({ dueAt }) => dueAt)).toEqual([noon + MINUTE, noon])
    const rest = wallClock(noon - 3 * DAY - 26 * HOUR - 15 * SECOND, zone)
    expect(begun(lookBack(26 * HOUR), { from: states, times }).from).toBe(rest)
  })

  test('where it should when a single answer was an hour ahead', () => {
    const from = statesOf({ live: { startedAt: noon + HOUR, scan: null } })
    expect(begun(live, { from }).from).toBe('2026-06-15T11:59:45')
  })
})

describe('a look-back begins', () => {
  const ran = (startedAt: number) => statesOf({ lookBacks: [{ reachMs: 5 * MINUTE, startedAt, dueAt: noon }] })

  test('at the start of its own last scan minus its reach and the overlap, whatever the live scan has read', () => {
    expect(begun(lookBack(5 * MINUTE), { from: ran(noon - 2 * DAY) }).from).toBe('2026-06-13T11:54:45')
    expect(begun(lookBack(5 * MINUTE), { from: ran(noon - 2 * DAY) }).scan.reachMs).toBe(5 * MINUTE)
  })

  test.each([
    ['our clock', { ours: noon - HOUR, server: noon }],
    ["the server's clock", { ours: noon, server: noon - HOUR }],
  ])('at the earlier clock minus its reach and the overlap when %s is behind its last scan', (_what, times) => {
    expect(begun(lookBack(5 * MINUTE), { from: ran(noon), times }).from).toBe('2026-06-15T10:54:45')
  })

  test('never before the configured beginning', () => {
    expect(begun(lookBack(5 * MINUTE), { from: ran(Date.parse('2026-01-01T00:00:00+01:00')) }).from).toBe(beginAt)
  })

  test('where a recheck is wanted', () => {
    const from = timeText('2026-06-14T09:30:00')
    expect(begun({ kind: 'recheck', from }).scan).toMatchObject({ kind: 'look-back', from, reachMs: null })
  })
})

describe('the text that is sent for an instant', () => {
  /** 03:00 becomes 02:00 in Paris. */
  const back = Date.parse('2026-10-25T01:00:00Z')
  const sent = (instant: number, times: Times) => reading(instant, { settings, beginAt, times })

  test('is the smallest that a change made since then can carry when the hour of autumn repeats', () => {
    expect(sent(back - 10 * MINUTE, at(back + 5 * MINUTE))).toBe('2026-10-25T02:00:00')
    expect(sent(back - HOUR, at(back + 5 * MINUTE))).toBe('2026-10-25T02:00:00')
    expect(sent(back - 61 * MINUTE, at(back + 5 * MINUTE))).toBe('2026-10-25T01:59:00')
    expect(sent(back + 10 * MINUTE, at(back + 20 * MINUTE))).toBe('2026-10-25T02:10:00')
  })

  test('is the smallest already in the hour before, since both clocks may be behind', () => {
    expect(sent(back - 20 * MINUTE, at(back - 20 * MINUTE))).toBe('2026-10-25T02:00:00')
    expect(sent(back - 2 * HOUR, at(back - 2 * HOUR))).toBe('2026-10-25T01:00:00')
  })

  test('never excludes a change made between the instant and now, at any time of the year', () => {
    fc.assert(
      fc.property(fc.integer({ min: -180 * 24, max: 180 * 24 }), fc.nat(48), fc.nat(60), (hour, ago, later) => {
        const now = back + hour * HOUR + later * MINUTE
        const from = sent(now - ago * HOUR, at(now))
        for (let change = now - ago * HOUR; change <= now; change += 30 * MINUTE)
          expect(from <= wallClock(change, zone)).toBe(true)
      }),
    )
  })
})

test('a scan that begins again under the tag of one in progress replaces it', () => {
  const from = statesOf({ background: [scanOf({ kind: 'backfill', tag: BACKFILL })] })
  expect(begun({ kind: 'backfill' }, { from }).states.background).toHaveLength(1)
})
