import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chaosRun } from './chaos-run.ts'

// Three replicas run on real servers while faults of a random plan hit them; then the topics are compared with the
// source.

const seed = Number(process.env.TEST_SEED)
/** Long enough for every kind of fault. */
const minutes = 0.75

test(`loses, duplicates and reorders nothing when replicas, brokers, networks and clocks fail: seed ${seed}`, async () => {
  const { problems, summary, folder } = await chaosRun({ seed, lengthMs: minutes * 60_000 })
  console.log(summary)
  const report = [
    `${problems.length} problems; records in ${folder}; to repeat: npm run chaos -- --minutes ${minutes} --seed ${seed}`,
    ...problems.slice(0, 20),
  ]
  expect(problems.length, report.join('\n')).toBe(0)
  rmSync(folder, { recursive: true })
})
