import { expect, test } from 'vitest'
import { summary } from '../../../scripts/test-summary.ts'

const unit = { name: 'unit', passed: 3, failed: [], skipped: [], seconds: 1.24 }
const failure = { test: 'survives a kill', why: '2 problems\nshop-1: one lost' }
const contract = { name: 'contract', passed: 2, failed: [failure], skipped: [], seconds: 2 }
const lastLine = (text: string) => text.split('\n').at(-1)

test('the last line has only the counts of all lanes', () => {
  expect(lastLine(summary([unit, contract]))).toBe('5 passed, 1 failed')
})

test('skipped tests are counted, and listed with the reason', () => {
  const skipped = [{ test: 'keeps objects', why: 'moto stores nothing' }]
  const text = summary([unit, { ...contract, skipped }])
  expect(lastLine(text)).toBe('5 passed, 1 failed, 1 skipped')
  expect(text).toContain('keeps objects: moto stores nothing')
})

test('failures are repeated just before the counts', () => {
  expect(summary([unit, contract])).toContain('  survives a kill: 2 problems\n    shop-1: one lost\n\n5 passed')
  expect(summary([unit])).not.toContain('Failed')
})

test('each lane has a line with its counts and its duration', () => {
  expect(summary([unit, contract])).toMatch(/^unit +3 +0 +0 +1\.2\ncontract +2 +1 +0 +2\.0\nall +5 +1 +0 +3\.2$/m)
})
