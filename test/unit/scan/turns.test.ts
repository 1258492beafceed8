import { describe, expect, test } from 'vitest'
import type { ScanSettings, Times } from '../../../connector/scan/scan-settings.ts'
import {
  CATCH_UP,
  HISTORY,
  isSameScan,
  LIVE,
  type ScanName,
  type ScanStates,
} from '../../../connector/scan/scan-state.ts'
import { nextTurn, type ReaderState } from '../../../connector/scan/turns.ts'
import { historyOf } from '../../support/scans.ts'
import {
  at,
  DAY,
  HOUR,
  longLookBack,
  MINUTE,
  noon,
  SECOND,
  scanOf,
  settings,
  shortLookBack,
  statesOf,
} from './scans.ts'

// One decision is made for each state of the scans.

interface Situation extends Partial<Omit<ReaderState, 'notBefore'>> {
  readonly settings?: Partial<ScanSettings>
  readonly times?: Times
  readonly waiting?: readonly ScanName[]
}

/** At second 100 of the monotonic clock; a live scan is due in 3 s. */
function turn(states: ScanStates, { settings: more, times = at(noon), waiting = [], ...turns }: Situation = {}) {
  const notBefore = (scan: ScanName) => (waiting.some((one) => isSameScan(one, scan)) ? 102 * SECOND : 0)
  return nextTurn(states, {
    settings: { ...settings, ...more },
    times,
    monotonicNow: 100 * SECOND,
    readerState: { liveDueAt: 103 * SECOND, livePagesInARow: 0, lastBackground: undefined, notBefore, ...turns },
  })
}
const reads = (scan: ScanName) => ({ kind: 'read', scan })
const due = { liveDueAt: 100 * SECOND }
const everything = statesOf({
  background: [scanOf(HISTORY), scanOf(longLookBack), scanOf(CATCH_UP), scanOf(shortLookBack)],
  history: historyOf('first'),
})

describe('live scans', () => {
  test('come first when they are due or in progress', () => {
    expect(turn(everything, due)).toEqual(reads(LIVE))
    const inProgress = { ...everything, live: { startedAt: noon, scan: scanOf(LIVE) } }
    expect(turn(inProgress)).toEqual(reads(LIVE))
  })

  test('leave one page to the background after four pages in a row', () => {
    expect(turn(everything, { ...due, livePagesInARow: 3 })).toEqual(reads(LIVE))
    expect(turn(everything, { ...due, livePagesInARow: 4 })).toEqual(reads(CATCH_UP))
    expect(turn(statesOf(), { ...due, livePagesInARow: 400 })).toEqual(reads(LIVE))
  })

  test('are waited for when nothing else is due', () => {
    expect(turn(statesOf())).toEqual({ kind: 'wait', ms: 3 * SECOND })
  })
})

describe('the scans of the background', () => {
  test('take turns, page by page', () => {
    const order = [CATCH_UP, shortLookBack, longLookBack, HISTORY, CATCH_UP]
    for (const [index, scan] of order.entries())
      expect(turn(everything, { lastBackground: order[index - 1] })).toEqual(reads(scan))
  })

  test('make no request while they are backed off', () => {
    const waiting = [CATCH_UP, longLookBack]
    expect(turn(everything, { waiting, lastBackground: shortLookBack })).toEqual(reads(HISTORY))
    expect(turn(statesOf({ background: [scanOf(HISTORY)] }), { waiting: [HISTORY] })).toEqual({
      kind: 'wait',
      ms: 2_000,
    })
  })
})

describe('a look-back is due', () => {
  test('when `every` has passed since its last start', () => {
    const lookBacks = statesOf().lookBacks.map((one) => ({ ...one, startedAt: noon - MINUTE }))
    expect(turn(statesOf({ lookBacks }))).toEqual(reads(shortLookBack))
    expect(turn(statesOf(), { times: at(noon + MINUTE - 2 * SECOND), liveDueAt: 200 * SECOND })).toEqual({
      kind: 'wait',
      ms: 2 * SECOND,
    })
  })

  test.each([
    ['our clock', { ours: noon - SECOND, server: noon }],
    ["the server's clock", { ours: noon, server: noon - SECOND }],
  ])('when that start lies in the future of %s', (_which, times) => {
    expect(turn(statesOf(), { times })).toEqual(reads(shortLookBack))
  })

  test('by the earlier clock: a server whose clock is behind is not read again and again', () => {
    const lookBacks = statesOf().lookBacks.map((one) => ({ ...one, startedAt: noon - HOUR }))
    expect(turn(statesOf({ lookBacks }), { times: { ours: noon, server: noon - HOUR } }).kind).toBe('wait')
  })
})

describe('the history is due', () => {
  test.each(['first', 'again'] as const)('until it has ended: %s', (state) => {
    expect(turn(statesOf({ history: historyOf(state) }))).toEqual(reads(HISTORY))
  })

  test('again when `every` has passed since its last start, if that is configured', () => {
    const ended = statesOf({ history: historyOf('done', { startedAt: noon - 7 * DAY }) })
    const fullScan = { everyMs: 7 * DAY }
    expect(turn(ended).kind).toBe('wait')
    expect(turn(ended, { settings: { fullScan } })).toEqual(reads(HISTORY))
    expect(turn(statesOf(), { settings: { fullScan } }).kind).toBe('wait')
  })

  test('before everything else when it is the first and configured so, while it is not backed off', () => {
    const before = { settings: { backfill: 'before' as const }, ...due }
    expect(turn(everything, before)).toEqual(reads(HISTORY))
    expect(turn(everything, { ...before, waiting: [HISTORY] })).toEqual(reads(LIVE))
    expect(turn({ ...everything, history: historyOf('again') }, before)).toEqual(reads(LIVE))
  })
})
