import { describe, expect, test } from 'vitest'
import { beginScan } from '../../../connector/scan/begin-scan.ts'
import { configured, scanDone } from '../../../connector/scan/end-scan.ts'
import { paced, type RequestedScan, withoutUnwanted } from '../../../connector/scan/requested-scan.ts'
import { BACKFILL, FULL, RECHECK, REQUESTED, type ScanStates, scanWith } from '../../../connector/scan/scan-state.ts'
import { nextChoice, type SchedulerParts } from '../../../connector/scan/scheduler.ts'
import {
  at,
  beginAt,
  DAY,
  dueLookBacks,
  HOUR,
  MINUTE,
  noon,
  SECOND,
  scanOf,
  settings,
  statesOf,
  timeText,
} from './scans.ts'

const request = (more: Partial<RequestedScan> = {}): RequestedScan => ({
  ...{ id: 'one', from: null, maxPerSecond: 50, onBegin: () => {} },
  ...more,
})
const { id, maxPerSecond } = request()
const scan = scanOf({ kind: 'requested', tag: REQUESTED, from: beginAt, request: { id, maxPerSecond } })
const unlimited = { ...scan, request: { id, maxPerSecond: null } }

/** The monotonic clock. */
const now = 1_000_000
const choose = (states: ScanStates, more: Partial<SchedulerParts> = {}) =>
  nextChoice(states, {
    ...{ settings, recheck: null, requested: undefined, times: at(noon), now },
    load: { liveDueAt: now + SECOND, liveMs: 0, background: undefined, waitingSince: new Map() },
    ...more,
  })

describe('a requested scan', () => {
  const parts = { settings, beginAt, times: at(noon), events: 7 }
  const begun = (from: RequestedScan['from']) => {
    const { states, tag } = beginScan(statesOf(), { kind: 'requested', scan: request({ from }) }, parts)
    return scanWith(states, tag)
  }

  test('begins at the time of the request, or at the configured beginning if there is none or it is earlier', () => {
    const from = timeText('2026-03-01T00:00:00')
    expect(begun(from)).toMatchObject({
      kind: 'requested',
      tag: REQUESTED,
      from,
      since: 7,
      request: { id, maxPerSecond },
    })
    expect(begun(null)?.from).toBe(beginAt)
    expect(begun(timeText('2001-01-01T00:00:00'))?.from).toBe(beginAt)
  })

  test('begins after the look-backs and a recheck, before the backfill and a full scan', () => {
    const requested = request()
    const others = [scanOf({ kind: 'backfill', tag: BACKFILL }), scanOf({ kind: 'full', tag: FULL })]
    const busy = statesOf({ background: others, backfill: 'due', fullDueAt: noon })
    expect(choose(busy, { requested })).toMatchObject({ kind: 'begin', scan: { kind: 'requested' } })
    const [reachMs = 0] = settings.lookBacks.map((one) => one.reachMs)
    const lookBack = { ...busy, lookBacks: dueLookBacks(reachMs) }
    expect(choose(lookBack, { requested })).toMatchObject({ scan: { kind: 'look-back' } })
    const recheck = { ...busy, background: [...others, scanOf({ kind: 'look-back', tag: RECHECK })] }
    expect(choose(recheck, { requested })).toEqual({ kind: 'read', tag: RECHECK })
    expect(choose(statesOf({ background: [...others, scan] }))).toEqual({ kind: 'read', tag: REQUESTED })
  })

  test('waits for the end of a backfill that runs alone', () => {
    const alone = { settings: { ...settings, backfill: 'before' as const }, requested: request() }
    expect(choose(statesOf({ backfill: 'due' }), alone)).toMatchObject({ scan: { kind: 'backfill' } })
  })

  test('reads as many clients a second as requested, and other scans read in its pauses', () => {
    const after = paced(scan, 100, statesOf(), noon)
    expect(after.notBefore).toBe(noon + 2 * SECOND)
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL })
    const states = statesOf({ background: [after, backfill], backfill: 'due' })
    expect(choose(states)).toEqual({ kind: 'read', tag: BACKFILL })
    expect(choose({ ...states, background: [after] }, { times: at(noon + 2 * SECOND) })).toMatchObject({
      tag: REQUESTED,
    })
  })

  test('reads at once when a clock that was wrong has stored a longer pause than its pages need', () => {
    const pausing = (more: Partial<typeof scan>) => statesOf({ background: [{ ...scan, ...more }] })
    const times = at(noon)
    expect(choose(pausing({ notBefore: noon + HOUR }), { times })).toEqual({ kind: 'read', tag: REQUESTED })
    expect(choose(pausing({ notBefore: noon + 2 * SECOND }), { times }).kind).toBe('wait')
    for (const more of [{ failures: 3 }, { restarts: 3 }])
      expect(choose(pausing({ notBefore: noon + HOUR / 2, ...more }), { times }).kind).toBe('wait')
  })

  test('makes no pauses without a limit, nor where live scans wait for it', () => {
    expect(paced(unlimited, 100, statesOf(), noon)).toEqual(unlimited)
    for (const interleaving of ['serial', 'unknown'] as const)
      expect(paced(scan, 100, statesOf({ interleaving }), noon)).toEqual(scan)
    expect(paced(scanOf({ kind: 'full', tag: FULL }), 100, statesOf(), noon).notBefore).toBe(0)
  })

  test('is resumed after a restart, also under other settings', () => {
    const states = configured(statesOf({ background: [scan] }), { ...settings, lookBacks: [] }, at(noon + DAY))
    expect(scanWith(states, REQUESTED)).toEqual(scan)
  })

  test('covers look-backs once it is complete, like any scan that reads from far back', () => {
    const due = statesOf({ background: [scan], lookBacks: dueLookBacks(5 * MINUTE) })
    const { lookBacks, background } = scanDone(due, scan, { settings, beginAt })
    expect(background).toEqual([])
    expect(lookBacks.every(({ dueAt }) => dueAt > noon)).toBe(true)
    // Ended early, it covers nothing.
    expect(withoutUnwanted(due, () => false)).toEqual({ ...due, background: [] })
    expect(withoutUnwanted(due, () => true)).toBe(due)
  })
})
