import { describe, expect, test } from 'vitest'
import {
  type Claim,
  distribution,
  longestSilenceMs,
  ownersOf,
  takeoversSince,
} from '../../../bench/parts/rebalances.ts'

const claim = (replica: string, epoch: number, at: number, events = 0): Claim => ({
  ...{ stream: 'paris', replica, epoch, at, events },
})
const seen = [
  { from: 0, to: 9, at: 1_000 },
  { from: 10, to: 19, at: 1_200 },
  { from: 20, to: 29, at: 4_200 },
  { from: 30, to: 39, at: 4_300 },
]

describe('a takeover', () => {
  const before = new Map([['paris', 'one']])
  const history = (claims: readonly Claim[]) => ({ claims, seen: new Map([['paris', seen]]) })

  test('lasts from the cause to the first event that the predecessor did not publish', () => {
    const claims = [claim('one', 1, 900), claim('two', 2, 4_000, 20)]
    expect(takeoversSince(history(claims), { at: 1_300, before }, ['paris'])).toEqual([
      { stream: 'paris', firstEventMs: 2_900, silentMs: 3_000, openings: 1 },
    ])
  })

  test('is not complete until the successor has published', () => {
    const claims = [claim('one', 1, 900), claim('two', 2, 4_000, 40)]
    expect(takeoversSince(history(claims), { at: 1_300, before }, ['paris'])).toBeUndefined()
    expect(takeoversSince(history([claim('one', 1, 900)]), { at: 1_300, before }, ['paris'])).toBeUndefined()
  })

  test('counts every opening since the cause', () => {
    const claims = [claim('two', 2, 4_000, 20), claim('one', 3, 4_100, 20), claim('two', 4, 4_150, 20)]
    expect(takeoversSince(history(claims), { at: 1_300, before }, ['paris'])?.[0]?.openings).toBe(3)
  })
})

test('the owner of a stream is the replica that claimed it with the highest epoch', () => {
  expect(ownersOf([claim('two', 2, 4_000), claim('one', 1, 5_000)])).toEqual(new Map([['paris', 'two']]))
})

test('the longest silence includes one that began before the given time', () => {
  expect(longestSilenceMs(seen, 4_250)).toBe(100)
  expect(longestSilenceMs(seen, 2_000)).toBe(3_000)
})

test('a distribution has minimum, median, p90 and maximum, in seconds', () => {
  expect(distribution([5_000, 1_000, 3_000])).toEqual(['1.00', '3.00', '5.00', '5.00'])
  expect(distribution([])).toEqual(['–', '–', '–', '–'])
})
