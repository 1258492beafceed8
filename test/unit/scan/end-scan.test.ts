import { describe, expect, test } from 'vitest'
import { restartedScan, scansAfterEnd as scanDoneOf, scansAfterHandOver } from '../../../connector/scan/begin-scan.ts'
import { CATCH_UP, type Scan, type ScanStates } from '../../../connector/scan/scan-state.ts'
import { historyOf } from '../../support/scans.ts'
import { beginAt, DAY, HOUR, MINUTE, noon, scanOf, shortLookBack, statesOf, timeText } from './scans.ts'

// Scans end in given states; nothing is read.

const live = scanOf({ lane: 'live' })
const lookBack = scanOf(shortLookBack)
const history = scanOf({ lane: 'history', from: beginAt })
const scanDone = (states: ScanStates, scan: Scan) => scanDoneOf(states, scan, beginAt)

describe('a complete scan', () => {
  const states = statesOf({
    live: { startedAt: noon - 10 * MINUTE, scan: live },
    background: [lookBack, history, scanOf(CATCH_UP)],
    lookBacks: statesOf().lookBacks.map((one) => ({ ...one, startedAt: noon - HOUR })),
    history: historyOf('again', {
      from: timeText('2026-03-01T00:00:00'),
      republication: { id: 'rewind', beforeEvent: 7, isIndexNew: true },
    }),
  })

  test('of the live lane counts from its start, and leaves the others in progress', () => {
    expect(scanDone(states, live)).toEqual({ ...states, live: { startedAt: noon, scan: null } })
  })

  test('of a look-back moves that one alone', () => {
    const { lookBacks, background } = scanDone(states, lookBack)
    expect(lookBacks.map(({ startedAt }) => startedAt)).toEqual([noon, noon - HOUR])
    expect(background).toEqual([history, scanOf(CATCH_UP)])
  })

  test('of the history ends it', () => {
    expect(scanDone(states, history).history).toEqual(historyOf('done', { startedAt: noon }))
  })

  test('of the history is a full one if it began at the configured beginning or before, and else leaves the last', () => {
    const fullAt = noon - 3 * DAY
    const known = { ...states, history: { ...states.history, startedAt: fullAt } }
    const doneFrom = (from: string) => scanDone(known, { ...history, from: timeText(from) }).history.startedAt
    expect(doneFrom('2025-12-31T00:00:00')).toBe(noon)
    expect(doneFrom('2026-01-01T00:00:01')).toBe(fullAt)
    expect(scanDone(known, { ...history, lastChanged: timeText('2026-03-01T00:00:00') }).history.startedAt).toBe(noon)
  })

  test('cannot be one without a response', () => {
    expect(() => scanDone(states, restartedScan(lookBack))).toThrow(TypeError)
  })
})

describe('a live scan that is handed over', () => {
  const states = statesOf({ live: { startedAt: noon - HOUR, scan: live } })

  test('keeps its place and its number, and the next live scan begins where it began', () => {
    const after = scansAfterHandOver(states, live)
    expect(after.live).toEqual({ startedAt: noon, scan: null })
    expect(after.background).toEqual([{ ...live, ...CATCH_UP }])
  })

  test.each([
    ['the earlier one', '2026-06-15T11:00:00', '2026-06-15T11:00:00'],
    ['its own', '2026-06-15T12:30:00', live.from],
  ])('has the scan of that lane begin again at the earlier beginning of the two: %s', (_which, from, expected) => {
    const before = scanOf({ ...CATCH_UP, from: timeText(from), number: 7 })
    const { background, live: after } = scansAfterHandOver({ ...states, background: [before] }, live)
    expect(background).toEqual([restartedScan({ ...before, from: timeText(expected) })])
    expect(after).toEqual({ startedAt: noon, scan: null })
  })
})
