import { expect, test } from 'vitest'
import { backOff, backOffMs } from '../../../connector/scan/back-off.ts'
import { CATCH_UP } from '../../../connector/scan/scan-state.ts'
import { HOUR, MINUTE, scanOf } from './scans.ts'

const history = scanOf({ lane: 'history' })

test('a scan is backed off after three failures in a row, for a minute, doubling up to an hour', () => {
  expect([1, 2, 3, 4, 5, 8, 9, 30].map(backOffMs)).toEqual(
    [0, 0, 1, 2, 4, 32, 60, 60].map((minutes) => minutes * MINUTE),
  )
  const troubles = backOff()
  for (const failures of [1, 2, 3]) expect(troubles.addFailure(history, 1_000)).toBe(failures)
  expect(troubles.notBefore(history)).toBe(1_000 + MINUTE)
  expect(troubles.notBefore(CATCH_UP)).toBe(0)
})

test('a page that it had read before is no progress, the next one is', () => {
  const troubles = backOff()
  for (const pages of [4, 2, 0]) troubles.addFailure({ ...history, pages }, 0)
  expect([1, 4, 5].map((pages) => troubles.isProgress({ ...history, pages }))).toEqual([false, false, true])
})

test('its failures end with progress, which says how long it was backed off', () => {
  const troubles = backOff()
  troubles.addFailure(history, 0)
  expect(troubles.endFailures(history, 0)).toBeUndefined()
  expect(troubles.failures(history)).toBe(0)
  for (const at of [0, 1, 2, MINUTE]) troubles.addFailure(history, at)
  expect(troubles.endFailures(history, HOUR)).toBe(HOUR - 2)
  expect(troubles.notBefore(history)).toBe(0)
})
