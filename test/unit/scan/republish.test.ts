import { describe, expect, test } from 'vitest'
import { beginScan } from '../../../connector/scan/begin-scan.ts'
import { configured, scanDone } from '../../../connector/scan/end-scan.ts'
import { nextRepublication, paced, type Republication, withoutEnded } from '../../../connector/scan/republish.ts'
import { BACKFILL, FULL, RECHECK, REPUBLISH, type ScanStates, scanWith } from '../../../connector/scan/scan-state.ts'
import { nextChoice, type SchedulerParts } from '../../../connector/scan/scheduler.ts'
import { at, beginAt, DAY, dueLookBacks, MINUTE, noon, SECOND, scanOf, settings, statesOf, timeText } from './scans.ts'

const request = (more: Partial<Republication> = {}): Republication => ({
  ...{ id: 'one', from: null, wanted: { kind: 'all', maxPerSecond: 50 }, requestedBy: 'operator' },
  ...more,
})
const { id, wanted } = request()
const scan = scanOf({ kind: 'republish', tag: REPUBLISH, from: beginAt, republish: { id, wanted } })
const named = { ...scan, republish: { id, wanted: { kind: 'clients' as const, keys: ['AAAAAAAAAAA'] } } }
const never = () => false

/** The monotonic clock. */
const now = 1_000_000
const choose = (states: ScanStates, more: Partial<SchedulerParts> = {}) =>
  nextChoice(states, {
    ...{ settings, recheck: null, republication: undefined, times: at(noon), now },
    load: { liveDueAt: now + SECOND, liveMs: 0, background: undefined, waitingSince: new Map() },
    ...more,
  })

describe('a scan that publishes again', () => {
  const parts = { settings, beginAt, times: at(noon), events: 7 }
  const begun = (from: Republication['from']) => {
    const { states, tag } = beginScan(statesOf(), { kind: 'republish', request: request({ from }) }, parts)
    return scanWith(states, tag)
  }

  test('begins at the time of the request, or at the configured beginning if there is none or it is earlier', () => {
    const from = timeText('2026-03-01T00:00:00')
    expect(begun(from)).toMatchObject({ kind: 'republish', tag: REPUBLISH, from, since: 7, republish: { id, wanted } })
    expect(begun(null)?.from).toBe(beginAt)
    expect(begun(timeText('2001-01-01T00:00:00'))?.from).toBe(beginAt)
  })

  test('begins after the look-backs and a recheck, before the backfill and a full scan', () => {
    const republication = request()
    const others = [scanOf({ kind: 'backfill', tag: BACKFILL }), scanOf({ kind: 'full', tag: FULL })]
    const busy = statesOf({ background: others, backfill: 'due', fullDueAt: noon })
    expect(choose(busy, { republication })).toMatchObject({ kind: 'begin', scan: { kind: 'republish' } })
    const [reachMs = 0] = settings.lookBacks.map((one) => one.reachMs)
    const lookBack = { ...busy, lookBacks: dueLookBacks(reachMs) }
    expect(choose(lookBack, { republication })).toMatchObject({ scan: { kind: 'look-back' } })
    const recheck = { ...busy, background: [...others, scanOf({ kind: 'look-back', tag: RECHECK })] }
    expect(choose(recheck, { republication })).toEqual({ kind: 'read', tag: RECHECK })
    expect(choose(statesOf({ background: [...others, scan] }))).toEqual({ kind: 'read', tag: REPUBLISH })
  })

  test('waits for the end of a backfill that runs alone', () => {
    const alone = { settings: { ...settings, backfill: 'before' as const }, republication: request() }
    expect(choose(statesOf({ backfill: 'due' }), alone)).toMatchObject({ scan: { kind: 'backfill' } })
  })

  test('reads as many clients a second as requested, and other scans read in its pauses', () => {
    const after = paced(scan, 100, statesOf(), noon)
    expect(after.notBefore).toBe(noon + 2 * SECOND)
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL })
    const states = statesOf({ background: [after, backfill], backfill: 'due' })
    expect(choose(states)).toEqual({ kind: 'read', tag: BACKFILL })
    expect(choose({ ...states, background: [after] }, { times: at(noon + 2 * SECOND) })).toMatchObject({
      tag: REPUBLISH,
    })
  })

  test('makes no pauses for named clients, of which few are published, nor where live scans wait for it', () => {
    expect(paced(named, 100, statesOf(), noon)).toEqual(named)
    for (const interleaving of ['serial', 'unknown'] as const)
      expect(paced(scan, 100, statesOf({ interleaving }), noon)).toEqual(scan)
    expect(paced(scanOf({ kind: 'full', tag: FULL }), 100, statesOf(), noon).notBefore).toBe(0)
  })

  test('is resumed after a restart, also under other settings', () => {
    const states = configured(statesOf({ background: [scan] }), { ...settings, lookBacks: [] }, at(noon + DAY))
    expect(scanWith(states, REPUBLISH)).toEqual(scan)
  })

  test('covers look-backs once it is complete, like any scan that reads from far back', () => {
    const due = statesOf({ background: [scan], lookBacks: dueLookBacks(5 * MINUTE) })
    const { lookBacks, background } = scanDone(due, scan, { settings, beginAt })
    expect(background).toEqual([])
    expect(lookBacks.every(({ dueAt }) => dueAt > noon)).toBe(true)
    // Ended early, it covers nothing.
    expect(withoutEnded(due, () => true)).toEqual({ ...due, background: [] })
    expect(withoutEnded(due, never)).toBe(due)
  })
})

describe('the next request to publish again', () => {
  test('is the oldest that has not ended, once no other is carried out', () => {
    const open = [request(), request({ id: 'two' })]
    expect(nextRepublication(statesOf(), open, never)?.id).toBe('one')
    expect(nextRepublication(statesOf(), open, (one) => one === 'one')?.id).toBe('two')
    expect(nextRepublication(statesOf({ background: [scan] }), open, never)).toBeUndefined()
    expect(nextRepublication(statesOf(), open, () => true)).toBeUndefined()
  })
})
