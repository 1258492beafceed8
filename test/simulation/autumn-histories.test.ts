import { expect, it } from 'vitest'
import { failureOf } from './histories.ts'

const HOUR_MS = 3_600_000

it(
  'Invariants 1 to 7 hold while the clocks go back',
  async () => {
    const failure = await failureOf({ kind: 'autumn', runs: 2_000 })
    expect(failure, failure).toBeUndefined()
  },
  HOUR_MS,
)
