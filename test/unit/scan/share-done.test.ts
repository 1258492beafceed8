import { expect, test } from 'vitest'
import { noTimes, shareDone } from '../../../connector/scan/scan-order.ts'
import { provenUpTo, timeText } from './scans.ts'

const noonInParis = Date.parse('2026-06-11T10:00:00Z')
const share = (from: string, highest: string | null) => {
  const order = highest === null ? noTimes : provenUpTo(highest)
  return shareDone({ from: timeText(from), order }, noonInParis, 'Europe/Paris')
}

test("is the part of the time between the scan's beginning and now, by the server's wall clock", () => {
  expect(share('2026-06-01T12:00:00', '2026-06-01T12:00:00')).toBe(0)
  expect(share('2026-06-01T12:00:00', '2026-06-09T12:00:00')).toBe(0.8)
  expect(share('2026-06-01T12:00:00', '2026-06-11T12:00:00')).toBe(1)
})

test('is unknown when the modification time is not mapped', () => {
  expect(share('2026-06-01T12:00:00', null)).toBeUndefined()
})

test('stays between 0 and 1 when a client was changed before the beginning, or a clock is ahead', () => {
  expect(share('2026-06-01T12:00:00', '2026-05-01T00:00:00')).toBe(0)
  expect(share('2026-06-01T12:00:00', '2026-07-01T00:00:00')).toBe(1)
  expect(share('2026-07-01T00:00:00', '2026-06-11T12:00:00')).toBe(1)
})
