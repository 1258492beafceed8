import { describe, expect, test } from 'vitest'
import { durationMs, sizes } from '../../../connector/config/setting-checks.ts'

describe('durations and sizes', () => {
  test.each([
    ['500ms', 500],
    ['5s', 5000],
    ['5m', 300_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['0ms', 0],
  ])('%s is %i milliseconds', (text, ms) => expect(durationMs(text)).toBe(ms))

  test.each([
    ['10B', 10],
    ['900kB', 900_000],
    ['1MiB', 1_048_576],
    ['1MB', 1_000_000],
    ['2GiB', 2_147_483_648],
  ])('%s is %i bytes', (text, bytes) => expect(sizes.parse(text)).toBe(bytes))

  test.each(['', '5', 's', '5 s', '-5s', '1.5s', '5S', '5sec', '5s ', `${'9'.repeat(20)}d`])(
    '%j is not a duration',
    (text) => {
      expect(durationMs(text)).toBeUndefined()
    },
  )

  test.each(['', '5', '1mb', '1 MiB', '1.5MB', '-1B'])('%j is not a size', (text) =>
    expect(sizes.parse(text)).toBeUndefined(),
  )
})
