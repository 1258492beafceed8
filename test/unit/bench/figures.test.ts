import { describe, expect, test } from 'vitest'
import { figuresOf } from '../../../bench/parts/figures.ts'

describe('figuresOf', () => {
  test('measures from the end of the warm-up to the end of the run', () => {
    const samples = [
      { atMs: 0, cpuSeconds: 2, share: 0.01 },
      { atMs: 5_000, cpuSeconds: 4, share: 0.5 },
      { atMs: 7_000, cpuSeconds: 5, share: 1 },
    ]
    expect(figuresOf(samples, { clients: 40_000, peakMegabytes: 170 })).toEqual({
      perSecond: 10_000,
      cpuPerMillion: 50,
      peakMegabytes: 170,
    })
  })

  test('rejects a run that ends during the warm-up', () => {
    expect(() => figuresOf([{ atMs: 0, cpuSeconds: 0, share: 1 }], { clients: 1, peakMegabytes: 1 })).toThrow(
      'run too short',
    )
  })
})
