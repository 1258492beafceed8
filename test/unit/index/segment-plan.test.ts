import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SegmentReference } from '../../../connector/index/index-state.ts'
import { isDeltaFull, nextStep, replaced } from '../../../connector/index/segment-plan.ts'
import { entriesOf } from '../checkpoint/documents.ts'

let names = 0
const segment = (tier: SegmentReference['tier'], entries: number): SegmentReference => ({
  ...{ name: `${++names}`, tier, entries, sha256: '' },
})
const spills = (count: number, entries = 1_400) => Array.from({ length: count }, () => segment('spill', entries))
const total = (segments: readonly SegmentReference[]) => segments.reduce((sum, { entries }) => sum + entries, 0)

test('a delta is full beyond 32 KB of entries', () => {
  const delta = (entries: number) => entriesOf([1, 1]).repeat(entries)
  expect([1_365, 1_366].map((entries) => isDeltaFull({ delta: delta(entries) }))).toEqual([false, true])
})

describe('what the stored index needs', () => {
  test('is a merge of sixteen spills, whatever there is beside them', () => {
    const beside = [segment('base', 1_000_000), segment('run', 30_000)]
    expect(nextStep([...beside, ...spills(15)])).toEqual({ kind: 'none' })
    const sixteen = spills(16)
    expect(nextStep([...beside, ...sixteen])).toEqual({ kind: 'merge', spills: sixteen })
  })

  test('is to be written again once its spills and runs are as large as its base, and not while it is small', () => {
    expect(nextStep([segment('run', 32_767)]).kind).toBe('none')
    expect(nextStep([segment('run', 32_768)]).kind).toBe('dump')
    expect(nextStep([segment('base', 100_000), segment('run', 99_999)]).kind).toBe('none')
    expect(nextStep([segment('base', 100_000), segment('run', 98_600), ...spills(1)]).kind).toBe('dump')
  })

  test('writes at most four entries for each one that is added, and keeps at most twice what there is', () => {
    const anySpills = fc.array(fc.integer({ min: 1_366, max: 3_365 }), { maxLength: 300 })
    fc.assert(
      fc.property(anySpills, fc.double({ min: 0, max: 1, noNaN: true }), (sizes, shareOfNew) => {
        let segments: SegmentReference[] = []
        let [added, written, clients] = [0, 0, 0]
        for (const size of sizes) {
          added += size
          written += size
          clients += Math.ceil(size * shareOfNew)
          segments = [...segments, segment('spill', size)]
          const step = nextStep(segments)
          if (step.kind === 'none') continue
          const made = step.kind === 'merge' ? segment('run', total(step.spills)) : segment('base', clients)
          written += made.entries
          segments = replaced(segments, { replaces: step.kind === 'merge' ? step.spills : segments, made: [made] })
          expect(total(segments)).toBeLessThanOrEqual(2 * Math.max(clients, 32_768) + 60_000)
        }
        expect(written).toBeLessThanOrEqual(4 * added)
      }),
      { numRuns: 50 },
    )
  })
})

test('what a merge or a dump made takes the place of what it replaces, before what came meanwhile', () => {
  const [base, run, ...others] = [segment('base', 9), segment('run', 9), ...spills(4)]
  const made = segment('run', 5)
  const segments = [base, run, ...others] as SegmentReference[]
  expect(replaced(segments, { replaces: others.slice(0, 3), made: [made] })).toEqual([base, run, made, others[3]])
  expect(replaced(segments, { replaces: segments.slice(0, 5), made: [made] })).toEqual([made, others[3]])
})
