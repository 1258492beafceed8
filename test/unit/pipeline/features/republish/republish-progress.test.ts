import { expect, test } from 'vitest'
import { republishProgress } from '../../../../../connector/pipeline/features/republish/republish-progress.ts'
import { noTimes } from '../../../../../connector/scan/scan-order.ts'
import { REPUBLISH, type Scan } from '../../../../../connector/scan/scan-state.ts'
import { beginAt, HOUR, noon, provenUpTo, scanOf, statesOf, timeText } from '../../../scan/scans.ts'

const parts = { indexed: 800, beginAt, now: noon, timeZone: 'Europe/Paris' }
const republished = { id: 'one', since: 0, published: 150, changed: 7, missing: null }

function shareOf(more: Partial<Scan>, indexed = 800) {
  const scan = scanOf({ kind: 'republish', tag: REPUBLISH, clients: 200, ...more })
  return republishProgress({ scans: statesOf({ background: [scan] }), republished }, { ...parts, indexed })?.share
}

test('of the whole history, the share is that of the clients in the index', () => {
  const scan = scanOf({ kind: 'republish', tag: REPUBLISH, from: beginAt, clients: 200 })
  const scans = statesOf({ background: [scan] })
  expect(republishProgress({ scans, republished }, parts)).toEqual({
    ...{ id: 'one', published: 150, changed: 7, clients: 200, share: 0.25 },
  })
  expect(shareOf({ from: beginAt }, 100)).toBe(1)
  expect(shareOf({ from: beginAt }, 0)).toBeNull()
})

test('since a later time, it follows from the modification times, and is unknown without them', () => {
  const from = timeText('2026-06-15T08:00:00')
  expect(shareOf({ from, order: provenUpTo('2026-06-15T09:00:00') })).toBeCloseTo(0.25)
  expect(shareOf({ from, order: noTimes })).toBeNull()
})

test('there is none without such a scan', () => {
  expect(republishProgress({ scans: statesOf(), republished }, { ...parts, now: noon + HOUR })).toBeUndefined()
  const background = [scanOf({ kind: 'republish', tag: REPUBLISH })]
  expect(republishProgress({ scans: statesOf({ background }), republished: null }, parts)).toBeUndefined()
})
