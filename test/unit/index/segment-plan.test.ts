import { expect, test } from 'vitest'
import type { SegmentReference } from '../../../connector/index/index-state.ts'
import { dueRewrite, withReplacement } from '../../../connector/index/segments.ts'

// Lists of segments are judged; nothing is stored.

let names = 0
let events = 0
function segment(tier: SegmentReference['tier'], entries: number, hasUnknown = false): SegmentReference {
  const from = events
  events += entries
  return { name: `${++names}`, tier, from, to: events, hasUnknown, entries, sha256: '' }
}
const many = (count: number, tier: number) => Array.from({ length: count }, () => segment(tier, 1_000))
const due = (tier: SegmentReference['tier'], replaces: readonly SegmentReference[], hasUnknown = false) => ({
  replaces,
  range: { tier, from: replaces[0]?.from, to: replaces.at(-1)?.to, hasUnknown },
})

test('the oldest eight segments of the lowest full tier become one of the next tier', () => {
  const base = [segment('base', 500_000), segment('base', 500_000)]
  const seconds = many(8, 2)
  const firsts = many(7, 1)
  const left = many(10, 0)
  expect(dueRewrite([...base, ...seconds, ...firsts, ...left], 1_000_000, 8)).toEqual(due(1, left.slice(0, 8)))
  expect(dueRewrite([...base, ...seconds, ...firsts], 1_000_000, 8)).toEqual(due(3, seconds))
  expect(dueRewrite([...base, ...firsts, ...left.slice(0, 7)], 1_000_000, 8)).toBeUndefined()
})

test('a segment of several objects counts once', () => {
  const whole = many(4, 0).flatMap((one) => [one, { ...one, name: `${one.name}/2` }])
  expect(dueRewrite(whole, 1_000_000, 8)).toBeUndefined()
  expect(dueRewrite(whole, 1_000_000, 4)).toEqual(due(1, whole))
})

test('everything is written again when more than twice the table is stored', () => {
  const base = segment('base', 1_000)
  const segments = [base, ...many(1, 0)]
  expect(dueRewrite(segments, 1_000, 8)).toBeUndefined()
  expect(dueRewrite(segments, 999, 8)).toEqual(due('base', segments))
})

test('entries of unknown content are written again with the segments that may have them, until everything is', () => {
  const some = [...many(7, 0), segment(0, 1_000, true)]
  expect(dueRewrite(some, 1_000_000, 8)).toEqual(due(1, some, true))
  expect(dueRewrite(some, 1, 8)).toEqual(due('base', some))
})

test('what was written again takes the place of what it replaces, before what came meanwhile', () => {
  const base = segment('base', 9)
  const run = segment(1, 9)
  const others = many(4, 0)
  const made = segment(1, 5)
  const segments = [base, run, ...others]
  expect(withReplacement(segments, { replaces: others.slice(0, 3), newSegments: [made] })).toEqual([
    base,
    run,
    made,
    others[3],
  ])
  expect(withReplacement(segments, { replaces: segments.slice(0, 5), newSegments: [made] })).toEqual([made, others[3]])
})
