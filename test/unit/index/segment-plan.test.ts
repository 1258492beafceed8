import { expect, test } from 'vitest'
import type { SegmentReference } from '../../../connector/index/index-state.ts'
import { dueRewrite, replaced } from '../../../connector/index/segments.ts'

let names = 0
let events = 0
function segment(tier: SegmentReference['tier'], entries: number): SegmentReference {
  const from = events
  events += entries
  return { name: `${++names}`, tier, from, to: events, entries, sha256: '' }
}
const many = (count: number, tier: number) => Array.from({ length: count }, () => segment(tier, 1_000))
const spanOf = (segments: readonly SegmentReference[]) => ({ from: segments[0]?.from, to: segments.at(-1)?.to })

test('the oldest eight segments of the lowest full tier become one of the next tier', () => {
  const base = [segment('base', 500_000), segment('base', 500_000)]
  const [seconds, firsts, left] = [many(8, 2), many(7, 1), many(10, 0)]
  const due = dueRewrite([...base, ...seconds, ...firsts, ...left], 1_000_000, 8)
  expect(due).toEqual({ replaces: left.slice(0, 8), tier: 1, ...spanOf(left.slice(0, 8)) })
  const next = dueRewrite([...base, ...seconds, ...firsts], 1_000_000, 8)
  expect(next).toEqual({ replaces: seconds, tier: 3, ...spanOf(seconds) })
  expect(dueRewrite([...base, ...firsts, ...left.slice(0, 7)], 1_000_000, 8)).toBeUndefined()
})

test('a segment of several objects counts once', () => {
  const whole = many(4, 0).flatMap((one) => [one, { ...one, name: `${one.name}/2` }])
  expect(dueRewrite(whole, 1_000_000, 8)).toBeUndefined()
  expect(dueRewrite(whole, 1_000_000, 4)).toMatchObject({ replaces: whole, tier: 1 })
})

test('everything is written again when more than twice the table is stored', () => {
  const base = segment('base', 1_000)
  const segments = [base, ...many(1, 0)]
  expect(dueRewrite(segments, 1_000, 8)).toBeUndefined()
  expect(dueRewrite(segments, 999, 8)).toEqual({ replaces: segments, tier: 'base', ...spanOf(segments) })
})

test('what was written again takes the place of what it replaces, before what came meanwhile', () => {
  const [base, run, ...others] = [segment('base', 9), segment(1, 9), ...many(4, 0)]
  const made = segment(1, 5)
  const segments = [base, run, ...others] as SegmentReference[]
  expect(replaced(segments, { replaces: others.slice(0, 3), made: [made] })).toEqual([base, run, made, others[3]])
  expect(replaced(segments, { replaces: segments.slice(0, 5), made: [made] })).toEqual([made, others[3]])
})
