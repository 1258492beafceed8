import { expect, test } from 'vitest'
import { cookies } from '../../../../../connector/source/polaris/http/cookies.ts'

const now = Date.UTC(2026, 0, 1)
const clock = { now: () => now }
const date = (ms: number) => new Date(ms).toUTCString()
const HOUR = 3_600_000

/** The header after these responses. */
function after(...responses: readonly (readonly string[])[]): string {
  const kept = cookies(clock)
  for (const texts of responses) kept.keep(texts, undefined)
  return kept.header()
}

test.each([
  'S=; Max-Age=0',
  'S=x; Max-Age=-1; Path=/',
  `S=; Expires=${date(now - 1000)}`,
  'S=; Expires=Thu, 01-Jan-1970 00:00:00 GMT',
])('deletes a cookie that has expired: %s', (text) => {
  expect(after(['S=a'], [text])).toBe('')
})

test.each([`S=b; Expires=${date(now + HOUR)}`, 'S=b; Max-Age=60', 'S=b; Expires=soon'])(
  'keeps one that has not: %s',
  (text) => {
    expect(after(['S=a'], [text])).toBe('S=b')
  },
)

test('takes the time of the server where the response has it', () => {
  const kept = cookies(clock)
  kept.keep([`S=a; Expires=${date(now - HOUR)}`], now - 2 * HOUR)
  expect(kept.header()).toBe('S=a')
  kept.keep([`S=a; Expires=${date(now + HOUR)}`], now + 2 * HOUR)
  expect(kept.header()).toBe('')
})
