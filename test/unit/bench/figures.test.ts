import { describe, expect, test } from 'vitest'
import { figuresOf, median } from '../../../bench/parts/figures.ts'
import { planOf } from '../../../bench/parts/plan.ts'
import { tableOf } from '../../../bench/parts/report.ts'

const flat = (perSecond: number) => ({ perSecond, cpuPerMillion: 50, peakMegabytes: 150 })

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

test('median takes the lower median of each figure', () => {
  expect(median([flat(3), flat(1), flat(2)])).toEqual(flat(2))
  expect(median([flat(3), flat(1)])).toEqual(flat(1))
})

test('the table shows the connector relative to both limits, as ratios within one round', () => {
  const [one] = planOf(['--only', 'json-100'])?.cases ?? []
  if (one === undefined) throw new Error('no case')
  const round = { connector: flat(800), kafkajs: flat(1_000), publisher: flat(1_200), eventsPerTransaction: 900 }
  const table = tableOf([
    {
      case: one,
      rounds: [
        {
          ...round,
          walk: flat(16_000),
          memory: [],
          loopDelay: { reading: { p99Ms: 9, longestMs: 12 }, publishing: { longestMs: 20 } },
        },
      ],
    },
  ])
  const cells = table.split('\n')[2]?.split(' | ')
  expect(cells).toContain('0.80')
  expect(cells).toContain('0.05')
})

describe('planOf', () => {
  test('covers both formats, small and large pages, and a slow source', () => {
    expect(planOf([])?.cases.map(({ name }) => name)).toEqual([
      ...[
        'json-100',
        'json-1000',
        'xml-100',
        'xml-1000',
        'json-100-100ms',
        'xml-100-100ms',
        'json-1000-100ms',
        'json-15000',
        'xml-15000',
      ],
    ])
  })

  test('rejects an unknown case', () => {
    expect(() => planOf(['--only', 'csv-100'])).toThrow('unknown case csv-100')
  })
})
