import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choiceOf } from './actions.ts'
import { violationsOf } from './check-history.ts'
import { failureOf, histories } from './histories.ts'
import { runHistory } from './history.ts'

/** The histories are divided between this file and `crossed-histories.test.ts`, which run in parallel. */
const HOUR_MS = 3_600_000

describe('when replicas, the group, Kafka, the store and the sources of several streams fail at random', () => {
  test.each([
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

test('a change that becomes visible hours late may be missed, also during the history', async () => {
  const [simplest = expect.fail()] = fc.sample(histories.everyday, { numRuns: 1, seed: 1 })
  const hoursLate = choiceOf('change', 49)
  const choices = [...Array.from({ length: 11 }, () => choiceOf('answer', 0)), hoursLate]
  const settings = {
    replicas: 1,
    streams: 1,
    clients: 6,
    limit: 2,
    backfill: 'before',
    permanentFault: 'none',
  } as const
  const scans = { scans: 'current', order: 'oldest first', modificationTime: 'shown', fullScanEveryMs: 0 } as const
  const history = await runHistory({ ...simplest, ...settings, ...scans, choices, stopAfterSteps: 0 })
  expect(violationsOf(history)).toEqual([])
})

/** Two replicas are assigned the same stream, and go on. */
const answers = Array.from({ length: 8 }, () => choiceOf('answer', 0))
const twoOwners = [
  choiceOf('misassign', 3),
  ...Array.from({ length: 120 }, () => [...answers, choiceOf('tick', 0)]).flat(),
]

test('the histories make the connector report every kind of failure event', async () => {
  const [contended = expect.fail()] = fc.sample(histories.everyday, { numRuns: 1, seed: 1 })
  const samples = [
    ...fc.sample(histories.everyday, { numRuns: 200, seed: 3 }),
    ...fc.sample(histories['long-scans'], { numRuns: 20, seed: 1 }),
    { ...contended, permanentFault: 'none' as const, replicas: 2, streams: 1, choices: twoOwners },
  ]
  const kinds = new Set<string>()
  for (const options of samples) for (const kind of (await runHistory(options)).eventKinds) kinds.add(kind)
  expect([...kinds]).toEqual(
    expect.arrayContaining([
      'stream-claimed',
      'taken-over',
      'fenced',
      'running → waiting',
      'retry',
      'assignment-changed',
      'running → paused',
      'paused → opening',
      'running → opening',
      'client.erased',
      'checkpoint-refused',
      'running → ended',
      'hold',
      'held → running',
      'transactions-repaired',
      'segment-written',
      'index-upkeep-failed',
      'scan-backed-off',
      'superseded',
      'look-back events',
    ]),
  )
}, 600_000)
