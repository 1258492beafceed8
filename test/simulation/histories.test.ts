import { describe, expect, it } from 'vitest'
import { failureOf } from './histories.ts'

/** The histories are divided between this file and `crossed-histories.test.ts`, which run in parallel. */
const HOUR_MS = 3_600_000

describe('when replicas, the group, Kafka, the store and the sources of several streams fail at random', () => {
  it.each([
    ['everyday', 'everyday', 500],
    ['long scans', 'long-scans', 500],
  ] as const)(
    'Invariants 1 to 7 hold, each stream finally runs on one replica, and no stream disturbs another: %s',
    async (_name, kind, runs) => {
      const failure = await failureOf({ kind, runs })
      expect(failure, failure).toBeUndefined()
    },
    HOUR_MS,
  )
})
