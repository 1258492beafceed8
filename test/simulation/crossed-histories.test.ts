import { expect, test } from 'vitest'
import { failureOf } from './histories.ts'

// Random histories run the product on simulated servers in virtual time; checkers then look for violations.

const HOUR_MS = 3_600_000

test(
  'Invariants 1 to 7 hold when every feature meets every fault and every command of an operator',
  async () => {
    const failure = await failureOf({ kind: 'crossed', runs: 600 })
    expect(failure, failure).toBeUndefined()
  },
  HOUR_MS,
)
