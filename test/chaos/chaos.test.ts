import { rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { chaosRun } from './chaos-run.ts'

const seed = Number(process.env.TEST_SEED)
/** Long enough for each kind of fault. */
const minutes = 0.75

it(`replicas, brokers, networks and clocks fail, and nothing is lost, doubled or out of order (seed ${seed})`, async () => {
  const { problems, summary, folder } = await chaosRun({ seed, lengthMs: minutes * 60_000 })
  console.log(summary)
  const told = [
    `${problems.length} problems; again: npm run chaos -- --minutes ${minutes} --seed ${seed}; what happened is in ${folder}`,
    ...problems.slice(0, 20),
  ]
  expect(problems.length, told.join('\n')).toBe(0)
  rmSync(folder, { recursive: true })
})
