import { describe, expect, it } from 'vitest'
import { failureOf } from './histories.ts'

/** 5,000 histories are spread over this file and `autumn-histories.test.ts`, which run side by side. */
const HOUR_MS = 3_600_000

describe('whatever happens to the replicas, the group, Kafka, the store and the sources of several streams', () => {
  it.each([
    ['exactly once', 'everyday', 2_600],
    ['at least once', 'at-least-once', 400],
  ] as const)(
    'Invariants 1 to 7 hold, each stream runs on one replica at the end, and none disturbs another: %s',
    async (_name, kind, runs) => {
      const failure = await failureOf({ kind, runs })
      expect(failure, failure).toBeUndefined()
    },
    HOUR_MS,
  )
})
