import { describe, expect, test } from 'vitest'
import { scanSettings } from '../../../../connector/config/sections/poll-section.ts'
import { fromEnvironment, fromFile, leastEnvironment, leastFile, problems, valid } from '../config-sources.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const stream = `${leastFile}streams:
  - name: clients
    polaris: { url: 'https://polaris.example.com:3443', codeMagasin: 1 }
`
const file = (poll: string) => fromFile(`${stream}    poll: ${poll}\n`)

function settingsOf(loaded: ReturnType<typeof fromFile>) {
  const [first] = valid(loaded).streams
  if (first === undefined) throw new Error('no stream')
  return scanSettings(first.poll, first.polaris)
}

describe('look-backs', () => {
  const two = [
    { reachMs: 5 * MINUTE, everyMs: MINUTE },
    { reachMs: 26 * HOUR, everyMs: 6 * HOUR },
  ]

  test.each([
    ['by default', '{}'],
    ['as text', '{ lookBack: [5m/1m, 26h/6h] }'],
    ['in any order', '{ lookBack: [26h/6h, 5m/1m] }'],
  ])('are read %s, shortest reach first', (_what, poll) => {
    expect(settingsOf(file(poll)).lookBacks).toEqual(two)
  })

  test('are read from a variable', () => {
    const read = (text: string) => settingsOf(fromEnvironment({ ...leastEnvironment, POLL_LOOK_BACK: text })).lookBacks
    expect(read('5m/1m,26h/6h')).toEqual(two)
    expect(read('30m/90s')).toEqual([{ reachMs: 30 * MINUTE, everyMs: 90 * SECOND }])
  })

  test('may be none', () => {
    expect(settingsOf(file('{ lookBack: [] }')).lookBacks).toEqual([])
  })

  test.each([
    ['{ lookBack: [5m/0s] }', 'must be reach/every'],
    ['{ lookBack: 5 }', 'must be reach/every'],
    ['{ lookBack: [3651d/1d] }', 'must be reach/every'],
    ['{ lookBack: [5m/1m, 26h/6h, 300s/2m] }', 'must have each reach only once'],
    [
      '{ lookBack: [1m/1m, 2m/1m, 3m/1m, 4m/1m, 5m/1m, 6m/1m, 7m/1m, 8m/1m, 9m/1m, 10m/1m] }',
      'must have at most 9 items',
    ],
  ])('are a problem: %s', (poll, what) => {
    const found = problems(file(poll))
    expect(found.map((problem) => problem.what)).toEqual([expect.stringContaining(what)])
    expect(JSON.stringify(found[0])).toContain('lookBack')
  })
})

test('full scans are off by default, and have a period', () => {
  expect(settingsOf(file('{}')).fullScan).toBeUndefined()
  expect(settingsOf(file('{ fullScan: { every: 168h } }')).fullScan).toEqual({ everyMs: 168 * HOUR })
  expect(settingsOf(file('{ fullScan: { every: 365d } }')).fullScan).toEqual({ everyMs: 8_760 * HOUR })
})

test('the period and the order of the lanes are those of the settings', () => {
  const intervalMs = 2 * SECOND
  expect(settingsOf(file('{ interval: 2s, backfill: before }'))).toMatchObject({ intervalMs, backfill: 'before' })
})
