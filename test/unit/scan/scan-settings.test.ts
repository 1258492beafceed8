import { expect, test } from 'vitest'
import { isDue } from '../../../connector/scan/scan-settings.ts'
import { DAY, HOUR, MINUTE, noon } from './scans.ts'

test.each([
  ['has come at its time', noon, true],
  ['has not come before', noon + 1, false],
  ['has not come one period before', noon + 6 * HOUR, false],
  ['has not come if it was set by a replica whose clock is a minute ahead', noon + 6 * HOUR + MINUTE, false],
  ['has come when it is further away than its period: a clock that was ahead has set it', noon + DAY, true],
])('a time %s', (_what, dueAt, expected) => {
  expect(isDue(dueAt, 6 * HOUR, noon)).toBe(expected)
})
