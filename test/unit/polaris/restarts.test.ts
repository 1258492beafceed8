import { expect, it } from 'vitest'
import { restartFault } from '../../polaris/restarts.ts'

const options = { everyMs: 100_000, forMs: 30_000 }
const nameAt = (ms: number) => restartFault(options, ms)?.name

it('fails only while a restart is in progress', () => {
  expect([0, 99_999, 130_000, 199_999, 230_000].map(nameAt)).toEqual(Array(5).fill(undefined))
})

it('fails in several ways during each restart, and begins each one with another', () => {
  expect([100_000, 110_000, 120_000].map(nameAt)).toEqual(['reset before', 'http.sys 503', 'http.sys 404'])
  expect([200_000, 210_000, 229_999].map(nameAt)).toEqual(['http.sys 503', 'http.sys 404', 'IIS 500.30'])
  expect(new Set(Array.from({ length: 11 }, (_, restart) => nameAt((restart + 1) * 100_000))).size).toBe(11)
})
