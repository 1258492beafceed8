import { expect, it } from 'vitest'
import { failureOf } from './histories.ts'

const HOUR_MS = 3_600_000

it(
  'Invariants 1 to 7 hold when daylight saving time ends',
  async () => {
    const failure = await failureOf({ kind: 'autumn', runs: 500 })
    expect(failure, failure).toBeUndefined()
  },
  HOUR_MS,
)
