import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultsOf } from './check-history.ts'
import { type HistoryOptions, runHistory } from './history.ts'

/** Histories of each case; `npm run simulate` sets both. */
const RUNS = Number(process.env.SIMULATION_RUNS ?? 400)
const SEED = process.env.SIMULATION_SEED
const HOUR_MS = 3_600_000
const parameters = { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) }

const tape = fc.array(fc.nat(20_000), { minLength: 20, maxLength: 400, size: 'max' })
/** Never, after the first drain that brings nothing, after some. */
const idle = fc.constantFrom(0, 1, 12_000)
const noon = Date.parse('2026-06-15T10:00:00Z')
/** Two minutes before the clocks go back in Paris. */
const autumn = Date.parse('2026-10-25T00:58:00Z')

const cases: (Omit<HistoryOptions, 'tape' | 'replicas' | 'idleAfterMs'> & { name: string })[] = [
  {
    name: 'with the modification time mapped',
    startAt: noon,
    modificationTime: 'shown',
    tail: 'overlap',
    delivery: 'exactly-once',
  },
  {
    name: 'without a modification time',
    startAt: noon,
    modificationTime: 'hidden',
    tail: 'overlap',
    delivery: 'exactly-once',
  },
  {
    name: 'going on from the last checkPoint',
    startAt: noon,
    modificationTime: 'shown',
    tail: 'checkpoint',
    delivery: 'exactly-once',
  },
  {
    name: 'while the clocks go back',
    startAt: autumn,
    modificationTime: 'hidden',
    tail: 'overlap',
    delivery: 'exactly-once',
  },
  {
    name: 'from the last checkPoint while the clocks go back',
    startAt: autumn,
    modificationTime: 'shown',
    tail: 'checkpoint',
    delivery: 'exactly-once',
  },
  { name: 'at least once', startAt: noon, modificationTime: 'shown', tail: 'overlap', delivery: 'at-least-once' },
]

describe('whatever happens to two replicas, Kafka, the store and the source', () => {
  it.each(cases)(
    'Invariants 1, 2, 3, 4, 7: every change is there once and in order, $name',
    async ({ name, ...options }) => {
      await fc.assert(
        fc.asyncProperty(tape, idle, async (numbers, idleAfterMs) => {
          const history = await runHistory({ ...options, idleAfterMs, tape: numbers, replicas: 2 })
          expect(faultsOf(history, options.delivery)).toEqual([])
        }),
        parameters,
      )
    },
    HOUR_MS,
  )
})
