import { expect, test } from 'vitest'
import { clientReader } from '../../../connector/event/read-client.ts'
import { scanMemory } from '../../../connector/pipeline/group/scan-memory.ts'
import { noTimes } from '../../../connector/scan/scan-order.ts'
import { FULL, newScans, type Scan } from '../../../connector/scan/scan-state.ts'
import { noon, provenUpTo, scanOf, settings } from '../scan/scans.ts'

const read = clientReader({ clientId: 'No', modifiedAt: 'At' }, [], {
  timeZone: settings.timeZone,
  ignored: new Set(),
  lists: [],
  fields: undefined,
})
const full = scanOf({ kind: 'full', tag: FULL })
const states = (...background: readonly Scan[]) => ({ ...newScans, background })

function remembering(scan: Scan, ...times: readonly string[]) {
  const memory = scanMemory(newScans, settings)
  memory.beginScan(scan, states(scan))
  for (const At of times) memory.add(scan, read({ No: '1', At }))
  memory.endPage(scan)
  return memory
}

test('a scan has an order until it is complete', () => {
  const memory = remembering(full, '2026-06-15T11:00:00')
  expect(memory.order(full)).toMatchObject({ highest: '2026-06-15T11:00:00' })
  memory.endScan(full)
  expect(memory.order(full)).toEqual(noTimes)
})

test('the order of a scan is not that of an earlier scan with its tag, nor of itself before it began again', () => {
  const memory = remembering(full, '2026-06-15T11:00:00')
  const next = { ...full, ordinal: 2, order: provenUpTo('2026-06-15T08:00:00') }
  const again = { ...full, restarts: 1 }
  expect([memory.order(next), memory.order(again)]).toEqual([next.order, noTimes])
  memory.beginScan(again, states(again))
  expect([memory.order(again), memory.order(full)]).toEqual([noTimes, noTimes])
})

test('a scan that is resumed by a modification time keeps its order, which may have shown more meanwhile', () => {
  const memory = remembering(full, '2026-06-15T11:00:00', '2026-06-15T10:00:00')
  const resumed = { ...full, order: provenUpTo('2026-06-15T11:00:00'), hasResumed: true }
  memory.beginScan(resumed, states(resumed))
  expect(memory.order(resumed)).toEqual({ kind: 'unordered' })
})

test('a live scan that continues under another tag keeps its order', () => {
  const live = scanOf({ kind: 'live', tag: 0 })
  const memory = remembering(live, '2026-06-15T11:00:00')
  const continued: Scan = { ...live, tag: 13 }
  expect(memory.order(continued)).toMatchObject({ highest: '2026-06-15T11:00:00' })
})

test('scans that are no longer in progress are forgotten when another one begins', () => {
  const memory = remembering(full, '2026-06-15T11:00:00')
  const other = { ...full, ordinal: 2 }
  memory.beginScan(other, states(other))
  expect(memory.order(full)).toEqual(noTimes)
  expect(full.startedAt).toBe(noon)
})
