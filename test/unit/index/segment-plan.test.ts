import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SegmentReference } from '../../../connector/index/index-state.ts'
import { isDeltaFull, nextStep, replaced } from '../../../connector/index/segment-plan.ts'
import { entriesOf } from '../checkpoint/documents.ts'

let names = 0
const segment = (tier: SegmentReference['tier'], entries: number): SegmentReference => ({
  ...{ name: `${++names}`, tier, entries, sha256: '' },
})
const many = (count: number, entries = 1_400, tier = 0) => Array.from({ length: count }, () => segment(tier, entries))
const total = (segments: readonly SegmentReference[]) => segments.reduce((sum, { entries }) => sum + entries, 0)
const large = 300_000

describe('a delta is full', () => {
  const delta = (entries: number) => entriesOf([1, 1]).repeat(entries)

  test('beyond 32 KB of entries', () => {
    expect([1_365, 1_366].map((entries) => isDeltaFull({ delta: delta(entries) }, 1))).toEqual([false, true])
  })

  test('after sixteen documents, unless it is empty', () => {
    expect([15, 16].map((documents) => isDeltaFull({ delta: delta(1) }, documents))).toEqual([false, true])
    expect(isDeltaFull({ delta: '' }, 100)).toBe(false)
  })
})

describe('what the stored index needs', () => {
  const base = segment('base', 1_000_000)

  test.each([0, 1, 2])('is a merge of sixteen segments of tier %i, whatever there is beside them', (tier) => {
    const beside = [base, ...many(15, 9_000, tier + 1)]
    expect(nextStep([...beside, ...many(15, 1_400, tier)], 1_000_000)).toEqual({ kind: 'none' })
    const sixteen = many(16, 1_400, tier)
    const step = { kind: 'merge', segments: sixteen, tier: tier + 1 }
    expect(nextStep([...beside, ...sixteen], 1_000_000)).toEqual(step)
  })

  test('is a merge of what fits one segment, among neighbours that are not large', () => {
    const [first, second] = [many(6, 40_000, 1), many(10, 40_000, 1)]
    const all = [base, ...first, segment(1, large), ...second]
    expect(nextStep(all, 2_000_000)).toEqual({ kind: 'merge', segments: first.slice(0, 5), tier: 2 })
    expect(nextStep([base, ...many(40, large, 1)], 20_000_000)).toEqual({ kind: 'none' })
  })

  test('is to be written again once it has as many replaced entries as clients, and not while it is small', () => {
    expect(nextStep(many(2, 16_384), 1).kind).toBe('none')
    expect(nextStep([...many(2, 16_384), segment(0, 1)], 1).kind).toBe('dump')
    expect(nextStep([base, ...many(4, 249_999, 1)], 1_000_000).kind).toBe('none')
    expect(nextStep([base, ...many(4, 250_000, 1)], 1_000_000).kind).toBe('dump')
    expect(nextStep([base, ...many(4, 250_000, 1)], 2_000_000).kind).toBe('none')
  })

  test('writes at most five entries for each one that is added, keeps at most twice what there is, in few segments', () => {
    const anySizes = fc.array(fc.oneof(fc.integer({ min: 50, max: 100 }), fc.integer({ min: 1_366, max: 3_365 })), {
      minLength: 200,
      maxLength: 3_000,
      size: 'max',
    })
    fc.assert(
      fc.property(anySizes, fc.double({ min: 0, max: 1, noNaN: true }), (sizes, shareOfNew) => {
        let segments: SegmentReference[] = []
        let [added, written, clients] = [0, 0, 0]
        for (const size of sizes) {
          added += size
          written += size
          clients += Math.ceil(size * shareOfNew)
          segments = [...segments, segment(0, size)]
          const step = nextStep(segments, clients)
          if (step.kind === 'none') continue
          const made = step.kind === 'merge' ? segment(step.tier, total(step.segments)) : segment('base', clients)
          written += made.entries
          segments = replaced(segments, { replaces: step.kind === 'merge' ? step.segments : segments, made: [made] })
        }
        expect(total(segments)).toBeLessThanOrEqual(2 * Math.max(clients, 32_768) + 60_000)
        expect(written).toBeLessThanOrEqual(5 * added)
        expect(segments.length).toBeLessThan(100)
      }),
      { numRuns: 30 },
    )
  })
})

test('what a merge or a dump made takes the place of what it replaces, before what came meanwhile', () => {
  const [base, run, ...others] = [segment('base', 9), segment(1, 9), ...many(4)]
  const made = segment(1, 5)
  const segments = [base, run, ...others] as SegmentReference[]
  expect(replaced(segments, { replaces: others.slice(0, 3), made: [made] })).toEqual([base, run, made, others[3]])
  expect(replaced(segments, { replaces: segments.slice(0, 5), made: [made] })).toEqual([made, others[3]])
})
